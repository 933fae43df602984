"""MobileNetV3 with the parameter names of timm's ``mobilenetv3_*`` and ``tf_mobilenetv3_*``.

Source of the names: timm/models/mobilenetv3.py and timm/models/_efficientnet_blocks.py.
"""

from __future__ import annotations

from itertools import groupby

import torch
from torch import nn

from tvm_mnv3.models.architecture import Architecture, Bottleneck
from tvm_mnv3.models.layers import activation, convolution


class TimmMobileNetV3(nn.Module):
    """The network: (N, 3, H, W) float32, H and W multiples of 32, to (N, num_classes) logits.

    Parameters
    ----------
    same_padding
        TensorFlow's ``SAME`` padding, as the ``tf_`` models have.
    """

    def __init__(self, architecture: Architecture, num_classes: int, batch_norm_eps: float, same_padding: bool) -> None:
        super().__init__()
        eps = batch_norm_eps
        self.conv_stem = convolution(3, architecture.stem, 3, 2, same_padding=same_padding)
        self.bn1 = nn.BatchNorm2d(architecture.stem, eps=eps)
        self.act1 = activation(architecture.activation)
        stages = [
            nn.Sequential(*(_block(block, eps, same_padding) for block in blocks))
            for _, blocks in groupby(architecture.blocks, key=lambda block: block.stage)
        ]
        last_in = architecture.blocks[-1].out_channels
        last = ConvolutionNorm(last_in, architecture.last_conv, architecture.activation, eps)
        self.blocks = nn.Sequential(*stages, nn.Sequential(last))
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.conv_head = nn.Conv2d(architecture.last_conv, architecture.head, 1)
        self.act2 = activation(architecture.activation)
        self.classifier = nn.Linear(architecture.head, num_classes)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Logits of a batch of pictures."""
        features = self.blocks(self.act1(self.bn1(self.conv_stem(input))))
        head = self.act2(self.conv_head(self.global_pool(features)))
        logits: torch.Tensor = self.classifier(torch.flatten(head, 1))
        return logits


class InvertedResidual(nn.Module):
    """Expansion, depthwise convolution, SE and projection."""

    def __init__(self, block: Bottleneck, eps: float, same_padding: bool) -> None:
        super().__init__()
        self.conv_pw = convolution(block.in_channels, block.expanded)
        self.bn1 = nn.BatchNorm2d(block.expanded, eps=eps)
        self.act1 = activation(block.activation)
        self.conv_dw = _depthwise(block, same_padding)
        self.bn2 = nn.BatchNorm2d(block.expanded, eps=eps)
        self.act2 = activation(block.activation)
        self.se = _squeeze_excite(block)
        self.conv_pwl = convolution(block.expanded, block.out_channels)
        self.bn3 = nn.BatchNorm2d(block.out_channels, eps=eps)
        self.has_residual = block.has_residual

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The block of (N, C, H, W)."""
        expanded = self.act1(self.bn1(self.conv_pw(input)))
        filtered = self.se(self.act2(self.bn2(self.conv_dw(expanded))))
        output: torch.Tensor = self.bn3(self.conv_pwl(filtered))
        return output + input if self.has_residual else output


class DepthwiseSeparable(nn.Module):
    """The first block: as `InvertedResidual`, without an expansion."""

    def __init__(self, block: Bottleneck, eps: float, same_padding: bool) -> None:
        super().__init__()
        self.conv_dw = _depthwise(block, same_padding)
        self.bn1 = nn.BatchNorm2d(block.expanded, eps=eps)
        self.act1 = activation(block.activation)
        self.se = _squeeze_excite(block)
        self.conv_pw = convolution(block.expanded, block.out_channels)
        self.bn2 = nn.BatchNorm2d(block.out_channels, eps=eps)
        self.has_residual = block.has_residual

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The block of (N, C, H, W)."""
        filtered = self.se(self.act1(self.bn1(self.conv_dw(input))))
        output: torch.Tensor = self.bn2(self.conv_pw(filtered))
        return output + input if self.has_residual else output


class ConvolutionNorm(nn.Module):
    """The 1x1 convolution before the pool."""

    def __init__(self, in_channels: int, out_channels: int, activated: str, eps: float) -> None:
        super().__init__()
        self.conv = convolution(in_channels, out_channels)
        self.bn1 = nn.BatchNorm2d(out_channels, eps=eps)
        self.act1 = activation(activated)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Convolve, normalise and activate (N, C, H, W)."""
        output: torch.Tensor = self.act1(self.bn1(self.conv(input)))
        return output


class SqueezeExcite(nn.Module):
    """Scales each channel by a number between 0 and 1 made from all channels' means."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.conv_reduce = nn.Conv2d(channels, squeezed, 1)
        self.act1 = nn.ReLU()
        self.conv_expand = nn.Conv2d(squeezed, channels, 1)
        self.gate = nn.Hardsigmoid()

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Scale the channels of (N, C, H, W)."""
        squeezed = self.act1(self.conv_reduce(input.mean((2, 3), keepdim=True)))
        scale: torch.Tensor = self.gate(self.conv_expand(squeezed))
        return input * scale


def _block(block: Bottleneck, eps: float, same_padding: bool) -> nn.Module:
    kind = InvertedResidual if block.has_expansion else DepthwiseSeparable
    return kind(block, eps, same_padding)


def _depthwise(block: Bottleneck, same_padding: bool) -> nn.Conv2d:
    channels = block.expanded
    return convolution(channels, channels, block.kernel, block.stride, depthwise=True, same_padding=same_padding)


def _squeeze_excite(block: Bottleneck) -> nn.Module:
    return SqueezeExcite(block.expanded, block.squeezed) if block.squeezed else nn.Identity()
