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


def count(architecture: Architecture, height: int, width: int, num_classes: int) -> Counts:
    """Counts of the whole network.

    Parameters
    ----------
    height, width
        Of the input in pixels, multiples of 32.
    num_classes
        Outputs of the classifier.
    """
    pixels = _halved(height) * _halved(width)
    total = _convolution(3, architecture.stem, 3, pixels)
    height, width = _halved(height), _halved(width)
    for block in architecture.blocks:
        before = height * width
        if block.stride == 2:
            height, width = _halved(height), _halved(width)
        total += _bottleneck(block, before, height * width)
    total += _convolution(architecture.blocks[-1].out_channels, architecture.last_conv, 1, height * width)
    total += _dense(architecture.last_conv, architecture.head)
    return total + _dense(architecture.head, num_classes)


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
