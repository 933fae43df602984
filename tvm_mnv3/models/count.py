"""Parameters and multiply-adds of an architecture, counted from its numbers alone."""

from __future__ import annotations

from dataclasses import dataclass

from tvm_mnv3.models.architecture import Architecture, Bottleneck


@dataclass(frozen=True)
class Counts:
    """Learned parameters (batch norm's scale and shift too) and multiply-adds of one picture.

    Multiply-adds are those of convolutions and dense layers, SE's too, with the taps that fall on padding; not of batch
    norm, activations, pooling and residual additions. This is how the paper counts.
    """

    parameters: int
    multiply_adds: int

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.parameters + other.parameters, self.multiply_adds + other.multiply_adds)


@dataclass(frozen=True)
class Layer:
    """One row of a network's table: the stem, a whole bottleneck, or one of the layers after them.

    Parameters
    ----------
    operator
        Such as ``conv 3x3 /2`` (stride 2), ``bneck 5x5 +`` (the paper's word; its input is added), ``dense``.
    height, width, in_channels
        Of the input.
    expanded, squeezed
        Of a bottleneck (see `tvm_mnv3.models.architecture.Bottleneck`), 0 where there is none.
    activation
        ``relu``, ``hswish`` or None.
    """

    name: str
    operator: str
    height: int
    width: int
    in_channels: int
    expanded: int
    out_channels: int
    squeezed: int
    activation: str | None
    counts: Counts


def count(architecture: Architecture, height: int, width: int, num_classes: int) -> Counts:
    """Counts of the whole network; parameters and errors are those of `layers`."""
    return sum((layer.counts for layer in layers(architecture, height, width, num_classes)), Counts(0, 0))


def layers(architecture: Architecture, height: int, width: int, num_classes: int) -> tuple[Layer, ...]:
    """The network as a table, with the counts of each row.

    Parameters
    ----------
    height, width
        Of the input in pixels, multiples of 32.
    num_classes
        Outputs of the classifier.
    """
    stem, last, head = architecture.stem, architecture.last_conv, architecture.head
    activation = architecture.activation
    after_stem = _halved(height), _halved(width)
    counts = _convolution(3, stem, 3, after_stem[0] * after_stem[1])
    table = [Layer("stem", "conv 3x3 /2", height, width, 3, 0, stem, 0, activation, counts)]
    height, width = after_stem
    for number, block in enumerate(architecture.blocks, start=1):
        after = (_halved(height), _halved(width)) if block.stride == 2 else (height, width)
        counts = _bottleneck(block, height * width, after[0] * after[1])
        table.append(_block_layer(f"block {number}", block, height, width, counts))
        height, width = after
    channels = architecture.blocks[-1].out_channels
    counts = _convolution(channels, last, 1, height * width)
    return (
        *table,
        Layer("last conv", "conv 1x1", height, width, channels, 0, last, 0, activation, counts),
        Layer("head", "dense", 1, 1, last, 0, head, 0, activation, _dense(last, head)),
        Layer("classifier", "dense", 1, 1, head, 0, num_classes, 0, None, _dense(head, num_classes)),
    )


def _block_layer(name: str, block: Bottleneck, height: int, width: int, counts: Counts) -> Layer:
    ending = " +" if block.has_residual else f" /{block.stride}" if block.stride > 1 else ""
    return Layer(
        name=name,
        operator=f"bneck {block.kernel}x{block.kernel}{ending}",
        height=height,
        width=width,
        in_channels=block.in_channels,
        expanded=block.expanded if block.has_expansion else 0,
        out_channels=block.out_channels,
        squeezed=block.squeezed,
        activation=block.activation,
        counts=counts,
    )


def _halved(side: int) -> int:
    return (side + 1) // 2


def _bottleneck(block: Bottleneck, pixels_before: int, pixels_after: int) -> Counts:
    total = Counts(0, 0)
    if block.has_expansion:
        total += _convolution(block.in_channels, block.expanded, 1, pixels_before)
    # A depthwise convolution reads one channel for each that it writes.
    total += _convolution(1, block.expanded, block.kernel, pixels_after)
    if block.squeezed:
        total += _dense(block.expanded, block.squeezed) + _dense(block.squeezed, block.expanded)
    return total + _convolution(block.expanded, block.out_channels, 1, pixels_after)


def _convolution(inputs: int, outputs: int, kernel: int, pixels: int) -> Counts:
    """A convolution without bias, and its batch norm."""
    weights = inputs * outputs * kernel**2
    return Counts(weights + 2 * outputs, weights * pixels)


def _dense(inputs: int, outputs: int) -> Counts:
    """A dense layer, or a 1x1 convolution after the pool, with bias."""
    return Counts(inputs * outputs + outputs, inputs * outputs)
