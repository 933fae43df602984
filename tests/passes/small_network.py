"""A stem, one bottleneck with squeeze-excite and residual, and a classifier: all that the passes know, small."""

from __future__ import annotations

import torch
from torch import nn

from tvm_mnv3.compat import IRModule
from tvm_mnv3.frontend.from_torch import import_torch
from tvm_mnv3.frontend.imported import TensorSpec

CHANNELS, EXPANDED, SQUEEZED, CLASSES = 8, 24, 6, 10
INPUT = (1, 3, 17, 17)


class SqueezeExcite(nn.Module):
    """``x * hsigmoid(expand(relu(squeeze(mean(x)))))``."""

    def __init__(self, gate: nn.Module | None = None) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(EXPANDED, SQUEEZED, 1)
        self.expand = nn.Conv2d(SQUEEZED, EXPANDED, 1)
        self.gate = gate or nn.Hardsigmoid()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        squeezed = torch.relu(self.squeeze(x.mean((2, 3), keepdim=True)))
        return x * self.gate(self.expand(squeezed))


class LinearSqueezeExcite(SqueezeExcite):
    """The same with linear layers, on two axes."""

    def __init__(self) -> None:
        super().__init__()
        self.squeeze = nn.Linear(EXPANDED, SQUEEZED)
        self.expand = nn.Linear(SQUEEZED, EXPANDED)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        squeezed = torch.relu(self.squeeze(x.mean((2, 3))))
        return x * self.gate(self.expand(squeezed))[:, :, None, None]


class SmallNetwork(nn.Module):
    """The stem pads as TensorFlow does; dropout stands before the classifier."""

    def __init__(self, squeeze_excite: nn.Module | None = None) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.ZeroPad2d((0, 1, 0, 1)),
            nn.Conv2d(3, CHANNELS, 3, stride=2, bias=False),
            nn.BatchNorm2d(CHANNELS),
            nn.Hardswish(),
        )
        self.bottleneck = nn.Sequential(
            *_convolution(CHANNELS, EXPANDED, 1),
            nn.Hardswish(),
            *_convolution(EXPANDED, EXPANDED, 5, groups=EXPANDED),
            nn.Hardswish(),
            squeeze_excite or SqueezeExcite(),
            *_convolution(EXPANDED, CHANNELS, 1),
        )
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(CHANNELS, CLASSES))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        return self.head(x + self.bottleneck(x))


def randomised(module: nn.Module) -> nn.Module:
    """A module in inference mode whose batch norms do something, always the same."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                is_scale = name.endswith("running_var") or (name.endswith("weight") and tensor.ndim == 1)
                low, high = (0.5, 1.5) if is_scale else (-0.5, 0.5)
                tensor.uniform_(low, high, generator=generator)
    return module.eval()


def imported(module: nn.Module, shape: tuple[int, ...] = INPUT) -> IRModule:
    """A module as the frontend imports it."""
    return import_torch(module, [TensorSpec("x", shape, "float32")], name="small").module


def _convolution(inputs: int, outputs: int, kernel: int, groups: int = 1) -> tuple[nn.Module, nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)
    return convolution, nn.BatchNorm2d(outputs)
