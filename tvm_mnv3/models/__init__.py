"""The MobileNetV3 family as tables from the paper, built as PyTorch modules; weights in."""

from tvm_mnv3.models.registry import ModelEntry, build_model, find_model, model_entries, model_names

__all__ = ["ModelEntry", "build_model", "find_model", "model_entries", "model_names"]
