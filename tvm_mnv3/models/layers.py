"""Layers that both families are built from."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


def activation(name: str) -> nn.Module:
    """A module of the activation ``relu`` or ``hswish``."""
    return {"relu": nn.ReLU, "hswish": nn.Hardswish}[name]()


class SamePaddedConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's ``SAME`` pads: the odd row and column go to the bottom and the right.

    With stride 2 and an even input the padding is ``(k - 2) // 2`` before and ``(k - 1) // 2`` after; a symmetric one
    of ``k // 2`` would read pixels shifted by one. Same parameters as `torch.nn.Conv2d`.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Convolve (N, C, H, W) to (N, O, ceil(H / stride), ceil(W / stride))."""
        top, bottom = self._padding_of(input.shape[-2], axis=0)
        left, right = self._padding_of(input.shape[-1], axis=1)
        padded = functional.pad(input, (left, right, top, bottom))
        return functional.conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)

    def _padding_of(self, side: int, axis: int) -> tuple[int, int]:
        kernel, stride = self.kernel_size[axis], self.stride[axis]
        outputs = -(-side // stride)
        total = max((outputs - 1) * stride + kernel - side, 0)
        return total // 2, total - total // 2


def convolution(
    in_channels: int,
    out_channels: int,
    kernel: int = 1,
    stride: int = 1,
    depthwise: bool = False,
    same_padding: bool = False,
) -> nn.Conv2d:
    """A convolution without bias whose output is the input's size over the stride.

    Parameters
    ----------
    same_padding
        TensorFlow's ``SAME``, which differs from the symmetric ``kernel // 2`` where the stride is 2.
    """
    groups = in_channels if depthwise else 1
    if same_padding and stride > 1:
        return SamePaddedConv2d(in_channels, out_channels, kernel, stride, groups=groups, bias=False)
    return nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
