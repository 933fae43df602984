"""`ImportedModel`: what every frontend returns and the passes start from."""

from __future__ import annotations

from dataclasses import dataclass

from tvm_mnv3.compat import IRModule
from tvm_mnv3.source_layer import SourceLayer
from tvm_mnv3.tensor_spec import TensorSpec

__all__ = ["ImportedModel", "Preprocessing", "Provenance", "TensorSpec"]


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the network's input.

    The picture's short side is resized to `resize` pixels, the central `crop` x `crop` is cut out, its RGB values are
    divided by 255, then ``(value - mean) / std`` per channel.

    Parameters
    ----------
    interpolation
        ``bilinear`` or ``bicubic``, both antialiased (Pillow's filters).
    """

    resize: int
    crop: int
    interpolation: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class Provenance:
    """Where a model and its weights came from.

    Parameters
    ----------
    source
        The model's name, or the file's name without its folders.
    format
        ``torch``, ``pt2`` or ``onnx``.
    weights
        ``pretrained``, ``random (seed 0)``, or the weights file's name without its folders; of a model that carries
        its own weights the same as `source`.
    weights_sha256
        Of the weights file or the model file; None for random weights.
    note
        A sentence the user must see (such as: weights are random because the download failed), or None.
    """

    source: str
    format: str
    weights: str
    weights_sha256: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class ImportedModel:
    """A network as imported.

    Parameters
    ----------
    name
        A C identifier that names the model: the default prefix of the library's functions.
    module
        One Relax function ``main`` of static shapes whose parameters are exactly `inputs`; weights are constants.
    outputs
        What ``main`` returns, in order (a tensor, or a tuple of tensors).
    labels
        One label per class for a classifier whose classes are known, else None.
    preprocessing
        How a picture becomes the input, where that is known.
    layers
        The layers with weights as their author names them, in the source's order.
    """

    name: str
    module: IRModule
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    provenance: Provenance
    labels: tuple[str, ...] | None = None
    preprocessing: Preprocessing | None = None
    layers: tuple[SourceLayer, ...] = ()
