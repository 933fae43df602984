"""The networks that have a name: what each is, and how to build it.

Nothing here imports PyTorch until a network is built, so that names can be listed at once.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tvm_mnv3.errors import InputError
from tvm_mnv3.models.architecture import Architecture, scaled_as_timm, scaled_as_torchvision
from tvm_mnv3.models.count import Counts, Layer, count, layers
from tvm_mnv3.models.tables import LARGE, SMALL, minimalistic

if TYPE_CHECKING:
    from torch import nn

#: Stride of the whole network: the sides of an input are multiples of it.
TOTAL_STRIDE = 32

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class EvalTransform:
    """How the library's own evaluation makes an input of a picture; the fields mean what `frontend.Preprocessing`'s do.

    Parameters
    ----------
    resize, crop
        Pixels: the short side is resized, the central square is cut out.
    interpolation
        ``bilinear`` or ``bicubic``, antialiased.
    mean, std
        Per RGB channel, of values from 0 to 1.
    """

    resize: int
    crop: int
    interpolation: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def for_size(self, size: int) -> EvalTransform:
        """The same for inputs of `size` pixels: the crop keeps its share of the resized side."""
        return replace(self, resize=self.resize * size // self.crop, crop=size)


@dataclass(frozen=True)
class PublishedWeights:
    """A file of trained weights (1000 classes) that its library publishes.

    Parameters
    ----------
    label
        The library's name for it.
    file_name
        Ends in ``-`` and the first 8 hexadecimal digits of the file's SHA-256.
    """

    label: str
    file_name: str

    @property
    def sha256_prefix(self) -> str:
        """The digits in the file's name."""
        return self.file_name.rsplit("-", 1)[1].split(".")[0]


@dataclass(frozen=True)
class ModelEntry:
    """One network that has a name.

    Parameters
    ----------
    name
        As its library spells it; torchvision's width multiples have a suffix such as ``_075``.
    family
        ``torchvision`` or ``timm``: whose parameter names and width rounding it has.
    variant
        ``large`` or ``small``.
    width
        Width multiplier.
    minimal
        Whether it is the minimalistic one: no SE, no hard-swish, no 5x5.
    batch_norm_eps
        1e-3 in torchvision and in Google's networks, 1e-5 in timm's own.
    same_padding
        Whether padding is TensorFlow's ``SAME`` (asymmetric where the stride is 2).
    transform
        The library's evaluation transform at the default input size.
    published
        What ``pretrained`` weights are, or None.
    input_size
        Default height and width in pixels.
    """

    name: str
    family: str
    variant: str
    width: float
    minimal: bool
    batch_norm_eps: float
    same_padding: bool
    transform: EvalTransform
    published: PublishedWeights | None = None
    input_size: int = 224

    @property
    def architecture(self) -> Architecture:
        """All its channel counts."""
        table = LARGE if self.variant == "large" else SMALL
        if self.minimal:
            table = minimalistic(table)
        scaled = scaled_as_torchvision if self.family == "torchvision" else scaled_as_timm
        return scaled(table, self.width)

    def counts(self, num_classes: int = 1000, height: int = 224, width: int = 224) -> Counts:
        """Parameters and multiply-adds."""
        return count(self.architecture, height, width, num_classes)

    def layers(self, num_classes: int = 1000, height: int = 224, width: int = 224) -> tuple[Layer, ...]:
        """The network as a table, from the stem to the classifier."""
        return layers(self.architecture, height, width, num_classes)


def model_entries() -> tuple[ModelEntry, ...]:
    """All networks that have a name, torchvision's first, each library's in order of size."""
    return _ENTRIES


def model_names() -> tuple[str, ...]:
    """Their names, in the same order."""
    return tuple(entry.name for entry in _ENTRIES)


def find_model(name: str) -> ModelEntry:
    """The network of that name.

    Raises
    ------
    InputError
        There is none; the message says which names come closest.
    """
    for entry in _ENTRIES:
        if entry.name == name:
            return entry
    close = difflib.get_close_matches(name.lower().replace("-", "_"), model_names(), n=3)
    hint = f"Did you mean {' or '.join(close)}?" if close else "`tvm-mnv3 models` lists them."
    raise InputError(f"There is no model named {name!r}. {hint}")


def check_input_size(height: int, width: int) -> None:
    """Refuse an input size that the network cannot have.

    Raises
    ------
    InputError
        A side is not a positive multiple of 32.
    """
    for side in (height, width):
        if side < TOTAL_STRIDE or side % TOTAL_STRIDE:
            lower = max(side // TOTAL_STRIDE, 1) * TOTAL_STRIDE
            raise InputError(
                f"The input size {height}x{width} does not fit MobileNetV3: both sides must be multiples of "
                f"{TOTAL_STRIDE}, such as {lower} or {lower + TOTAL_STRIDE}."
            )


def build_model(name: str, num_classes: int = 1000, seed: int | None = None) -> nn.Module:
    """The network of that name as a PyTorch module in evaluation mode.

    Parameters
    ----------
    seed
        Of random weights (see `initialise.randomise`); None leaves PyTorch's own, for weights that are loaded next.

    Returns
    -------
    torch.nn.Module
        Takes float32 (N, 3, H, W), H and W multiples of 32, and gives (N, num_classes) logits. Its parameter names and
        shapes are those of the library's network of that name.

    Raises
    ------
    InputError
        There is no such name, or less than one class.
    """
    entry = find_model(name)
    if num_classes < 1:
        raise InputError(f"The number of classes is {num_classes}, but must be at least 1.")
    module = _module(entry, num_classes).eval()
    if seed is not None:
        from tvm_mnv3.models.initialise import randomise

        randomise(module, seed)
    return module


def _module(entry: ModelEntry, num_classes: int) -> nn.Module:
    # PyTorch takes more than a second to import, and a list of names does not need it.
    from tvm_mnv3.models.timm_family import TimmMobileNetV3
    from tvm_mnv3.models.torchvision_family import TorchvisionMobileNetV3

    if entry.family == "torchvision":
        return TorchvisionMobileNetV3(entry.architecture, num_classes, entry.batch_norm_eps)
    return TimmMobileNetV3(entry.architecture, num_classes, entry.batch_norm_eps, entry.same_padding)


def _suffix(width: float) -> str:
    return f"{round(width * 100):03d}"


def _torchvision(variant: str, width: float, published: PublishedWeights | None, resize: int) -> ModelEntry:
    base = f"mobilenet_v3_{variant}"
    return ModelEntry(
        name=base if width == 1.0 else f"{base}_{_suffix(width)}",
        family="torchvision",
        variant=variant,
        width=width,
        minimal=False,
        batch_norm_eps=1e-3,
        same_padding=False,
        transform=EvalTransform(resize, 224, "bilinear", _IMAGENET_MEAN, _IMAGENET_STD),
        published=published,
    )


def _timm(variant: str, width: float, interpolation: str) -> ModelEntry:
    return ModelEntry(
        name=f"mobilenetv3_{variant}_{_suffix(width)}",
        family="timm",
        variant=variant,
        width=width,
        minimal=False,
        batch_norm_eps=1e-5,
        same_padding=False,
        # timm crops 0.875 of the resized side: 224 of 256.
        transform=EvalTransform(256, 224, interpolation, _IMAGENET_MEAN, _IMAGENET_STD),
    )


def _google(variant: str, width: float, minimal: bool = False) -> ModelEntry:
    return ModelEntry(
        name=f"tf_mobilenetv3_{variant}_{'minimal_' if minimal else ''}{_suffix(width)}",
        family="timm",
        variant=variant,
        width=width,
        minimal=minimal,
        batch_norm_eps=1e-3,
        same_padding=True,
        transform=EvalTransform(256, 224, "bilinear", _HALF, _HALF),
    )


_LARGE_WEIGHTS = PublishedWeights("IMAGENET1K_V2", "mobilenet_v3_large-5c1a4163.pth")
_SMALL_WEIGHTS = PublishedWeights("IMAGENET1K_V1", "mobilenet_v3_small-047dcff4.pth")

#: Sources: torchvision's weights and transforms in its models/mobilenetv3.py, timm's default_cfgs in its own; the
#: widths of torchvision's architecture are those of the paper's section 6.1.3.
_ENTRIES = (
    _torchvision("large", 1.0, _LARGE_WEIGHTS, 232),
    _torchvision("small", 1.0, _SMALL_WEIGHTS, 256),
    *(_torchvision("large", width, None, 256) for width in (1.25, 0.75, 0.5, 0.35)),
    *(_torchvision("small", width, None, 256) for width in (1.25, 0.75, 0.5, 0.35)),
    _timm("large", 1.0, "bicubic"),
    _timm("large", 0.75, "bilinear"),
    _timm("small", 1.0, "bicubic"),
    _timm("small", 0.75, "bicubic"),
    _timm("small", 0.5, "bicubic"),
    _google("large", 1.0),
    _google("large", 0.75),
    _google("large", 1.0, minimal=True),
    _google("small", 1.0),
    _google("small", 0.75),
    _google("small", 1.0, minimal=True),
)
