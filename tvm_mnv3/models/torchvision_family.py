"""MobileNetV3 with the parameter names of torchvision's ``mobilenet_v3_large`` and ``mobilenet_v3_small``.

Source of the names and of eps: torchvision/models/mobilenetv3.py and torchvision/ops/misc.py.
"""

from __future__ import annotations

import torch
from torch import nn

from tvm_mnv3.models.architecture import Architecture, Bottleneck
from tvm_mnv3.models.layers import activation, convolution


class TorchvisionMobileNetV3(nn.Module):
    """The network: (N, 3, H, W) float32, H and W multiples of 32, to (N, num_classes) logits."""

    def __init__(self, architecture: Architecture, num_classes: int, batch_norm_eps: float) -> None:
        super().__init__()
        stem = _convolution_norm(3, architecture.stem, batch_norm_eps, 3, 2, activated=architecture.activation)
        blocks = [InvertedResidual(block, batch_norm_eps) for block in architecture.blocks]
        last_in = architecture.blocks[-1].out_channels
        last = _convolution_norm(last_in, architecture.last_conv, batch_norm_eps, activated=architecture.activation)
        self.features = nn.Sequential(stem, *blocks, last)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(architecture.last_conv, architecture.head),
            activation(architecture.activation),
            nn.Dropout(0.2),
            nn.Linear(architecture.head, num_classes),
        )

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Logits of a batch of pictures."""
        pooled: torch.Tensor = torch.flatten(self.avgpool(self.features(input)), 1)
        logits: torch.Tensor = self.classifier(pooled)
        return logits


class InvertedResidual(nn.Module):
    """Expansion, depthwise convolution, SE and projection, in one numbered sequence."""

    def __init__(self, block: Bottleneck, eps: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if block.has_expansion:
            layers.append(_convolution_norm(block.in_channels, block.expanded, eps, activated=block.activation))
        layers.append(
            _convolution_norm(
                block.expanded,
                block.expanded,
                eps,
                block.kernel,
                block.stride,
                depthwise=True,
                activated=block.activation,
            )
        )
        if block.squeezed:
            layers.append(SqueezeExcitation(block.expanded, block.squeezed))
        layers.append(_convolution_norm(block.expanded, block.out_channels, eps))
        self.block = nn.Sequential(*layers)
        self.has_residual = block.has_residual

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The block of (N, C, H, W)."""
        output: torch.Tensor = self.block(input)
        return input + output if self.has_residual else output


class SqueezeExcitation(nn.Module):
    """Scales each channel by a number between 0 and 1 made from all channels' means."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.activation = nn.ReLU()
        self.scale_activation = nn.Hardsigmoid()

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Scale the channels of (N, C, H, W)."""
        squeezed = self.activation(self.fc1(self.avgpool(input)))
        scale: torch.Tensor = self.scale_activation(self.fc2(squeezed))
        return scale * input


def _convolution_norm(
    in_channels: int,
    out_channels: int,
    eps: float,
    kernel: int = 1,
    stride: int = 1,
    depthwise: bool = False,
    activated: str | None = None,
) -> nn.Sequential:
    """Convolution (``0``), batch norm (``1``) and, where one is named, an activation (``2``)."""
    layers = [
        convolution(in_channels, out_channels, kernel, stride, depthwise),
        nn.BatchNorm2d(out_channels, eps=eps),
    ]
    return nn.Sequential(*layers, activation(activated)) if activated else nn.Sequential(*layers)
