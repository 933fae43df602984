"""A model, whatever it comes as, becomes an `ImportedModel`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tvm_mnv3.errors import InputError
from tvm_mnv3.frontend.imported import ImportedModel, TensorSpec
from tvm_mnv3.frontend.naming import c_identifier
from tvm_mnv3.frontend.static_shapes import fix_shapes

if TYPE_CHECKING:
    import torch

__all__ = ["c_identifier", "load_model"]

#: Files that hold tensors by name and no network.
WEIGHTS_ONLY = (".pt", ".pth", ".bin", ".safetensors", ".ckpt")


def load_model(
    source: str | Path | torch.nn.Module,
    *,
    batch: int = 1,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
) -> ImportedModel:
    """Import an ONNX file, an exported program (.pt2) or a PyTorch module.

    Names of networks are not known here.

    Parameters
    ----------
    source
        A file by its suffix, or a module.
    batch
        The batch size: what a file's dynamic batch becomes; a fixed one must equal it.
    input_shapes
        Whole shapes by input name. Of a module: one per argument of ``forward`` in order, all float32; by default
        one picture of 3 x 224 x 224.

    Raises
    ------
    InputError
        The file is missing, of another kind, broken, or not a network that can be imported.
    """
    # Each importer brings PyTorch or onnx with it; a user of one should not wait for the other.
    if not isinstance(source, (str, Path)):
        return _load_module(source, batch, input_shapes)
    path = Path(source)
    _check_file(path)
    if path.suffix.lower() == ".onnx":
        from tvm_mnv3.frontend.from_onnx import import_onnx

        return import_onnx(path, batch=batch, input_shapes=input_shapes)
    from tvm_mnv3.frontend.from_exported import import_pt2

    return import_pt2(path, batch=batch, input_shapes=input_shapes)


def _load_module(
    module: torch.nn.Module, batch: int, input_shapes: Mapping[str, Sequence[int]] | None
) -> ImportedModel:
    from tvm_mnv3.frontend.from_torch import import_torch

    name = type(module).__name__
    shapes = fix_shapes(name, dict(input_shapes or {"input": (batch, 3, 224, 224)}), batch)
    return import_torch(module, [TensorSpec(key, shape, "float32") for key, shape in shapes.items()], name=name)


def _check_file(path: Path) -> None:
    """Raise an `InputError` unless `path` is a file that may hold a network."""
    suffix = path.suffix.lower()
    if not os.path.exists(path):  # unlike Path.exists, never raises
        raise InputError(f"{path}: no such file.")
    if os.path.isdir(path):
        raise InputError(f"{path} is a folder; give the .onnx or .pt2 file in it.")
    if suffix in WEIGHTS_ONLY:
        raise InputError(
            f"{path.name} holds weights only, no network: name the network and pass the file with --weights, "
            f"such as: mobilenet_v3_large --weights {path.name}."
        )
    if suffix == ".tflite":
        raise InputError(f"{path.name}: TFLite files cannot be read yet; convert the network to ONNX.")
    if suffix not in (".onnx", ".pt2"):
        raise InputError(f"{path.name}: unknown kind of file {suffix!r}; give an .onnx or a .pt2 file.")
