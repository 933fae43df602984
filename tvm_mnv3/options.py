"""`CompileOptions`: everything that can be asked of ``compile``, by command or from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

TARGETS = ("arm", "host")
PRECISIONS = ("fp32", "fp16")
WEIGHTS_STORAGES = ("fp32", "fp16")
INPUTS = ("tensor", "pixels")


@dataclass(frozen=True)
class CompileOptions:
    """What to compile, for what, and where to.

    Parameters
    ----------
    model
        A name (see ``tvm-mnv3 models``), a file (.onnx, .pt2), or a PyTorch module in Python.
    output
        The bundle's folder; by default ``MODEL_TARGET_PRECISION`` in the current folder, with ``w16`` behind it where
        float32 arithmetic has its weights stored as float16.
    target
        ``arm`` (64-bit ARM, Android and Linux) or ``host`` (this machine).
    core
        The ARM core whose instructions may be used and that is scheduled for; by default armv8-a's instructions,
        scheduled for a cortex-a76.
    precision
        ``fp32``, or ``fp16`` for a core with float16 arithmetic: weights, activations and sums of all but the first
        kernels.
    weights_storage
        ``fp16`` keeps the weights of float32 arithmetic as float16, on any core: half the file, with weights of 11
        bits (biases and windows, which are few, stay float32). It changes nothing
        with precision ``fp16``.
    input
        ``tensor``: the network's own input, normalized by the app. ``pixels``: 8-bit RGB as a picture lies in memory,
        uint8 of shape ``(N, H, W, 3)``; the stem normalizes as it reads, so how it is done must be known (of a file or
        module by `normalization`).
    weights
        Of a named model: ``pretrained``, ``random``, or a file (.pt, .pth, .safetensors). By default pretrained, or
        random where those cannot be had, which the bundle then says.
    seed
        Of random weights.
    classes
        Number of classes of a named model.
    input_size
        Height and width of a named model's input, a multiple of 32; by default the model's own.
    batch
        Pictures in one run.
    input_shapes
        Of a file: whole shapes by input name, where the file leaves dimensions open.
    normalization
        Of a file or module: how pixels become inputs (see `NORMALIZATIONS`); named models bring their own.
    prefix
        Of the library's functions; by default the model's name.
    labels
        A text file with one label a line; by default ImageNet's where the number of classes is theirs.
    tuning_logs
        A tuning log, or a folder with one per core (``cortex-a76.jsonl``), whose knobs are used; ``none`` for the
        templates' own. By default ``./tuning_logs``, then the logs that the package brings.
    force
        Replace a bundle that exists.
    dump_ir
        A folder for the IR after each phase, the scheduled kernels and the driver.
    """

    model: str | Path | nn.Module = "mobilenet_v3_large"
    output: Path | None = None
    target: str = "arm"
    core: str | None = None
    precision: str = "fp32"
    weights_storage: str = "fp32"
    input: str = "tensor"
    weights: str | Path | None = None
    seed: int = 0
    classes: int | None = None
    input_size: int | None = None
    batch: int = 1
    input_shapes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    normalization: str | None = None
    prefix: str | None = None
    labels: Path | None = None
    tuning_logs: str | Path | None = None
    force: bool = False
    dump_ir: Path | None = None


#: Mean and standard deviation per RGB channel, of values from 0 to 1.
NORMALIZATIONS: Mapping[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "unit": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "symmetric": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}
