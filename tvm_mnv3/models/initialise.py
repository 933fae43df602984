"""Random weights that behave like trained ones: every layer keeps its scale, no batch norm is trivial.

A network of random weights is only a useful test when its logits differ from picture to picture and stay in a trained
network's range. So the layers are set one after the other while a few synthetic pictures pass (as in "All you need is
a good init", arXiv:1511.06422): a batch norm's statistics become about what it sees, a dense layer's weights are scaled
to give unit variance.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import nn

#: Standard deviation of the logits; trained classifiers have 1 to 3.
_LOGIT_DEVIATION = 2.0
#: Synthetic pictures: how many, their side in pixels, and the side of the coarse noise that they are blown up from.
_PICTURES, _SIDE, _COARSE_SIDE = 8, 128, 32
#: A channel that hardly varies counts as varying by this share of the layer's mean variance.
_LEAST_SHARE_OF_VARIANCE = 0.05


def randomise(module: nn.Module, seed: int) -> None:
    """Fill the parameters and the batch norms' statistics with seeded random numbers.

    No statistic, scale or shift of a batch norm stays at its default, so a pass that forgot one would change the
    result. The numbers are the same on every machine: NumPy's PCG64 draws uniform ones only, statistics are measured
    in float64 and rounded to float16.

    Parameters
    ----------
    module
        One of this package's networks in evaluation mode; it is changed in place.
    seed
        An integer from 0.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    layers = [layer for layer in module.modules() if isinstance(layer, (nn.Conv2d, nn.Linear, nn.BatchNorm2d))]
    hooks = []
    module.double()
    with torch.no_grad():
        for layer in layers:
            if isinstance(layer, nn.BatchNorm2d):
                hooks.append(layer.register_forward_pre_hook(_BatchNormSetter(random)))
                continue
            limit = math.sqrt(3.0 / layer.weight[0].numel())
            layer.weight.copy_(_uniform(random, layer.weight.shape, -limit, limit))
            if layer.bias is not None:
                deviation = _LOGIT_DEVIATION if layer is layers[-1] else 1.0
                hooks.append(layer.register_forward_pre_hook(_DenseSetter(random, deviation)))
        module(_pictures(random))
    for hook in hooks:
        hook.remove()
    module.float()


class _BatchNormSetter:
    """Sets a batch norm before it runs: statistics near its input's (N, C, H, W), random scale and shift."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random

    def __call__(self, layer: Any, inputs: tuple[torch.Tensor]) -> None:
        variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3), correction=0)
        variance = variance.clamp(min=_LEAST_SHARE_OF_VARIANCE * float(variance.mean()))
        shape = mean.shape
        layer.running_mean.copy_(_rounded(mean + variance.sqrt() * _uniform(self.random, shape, -0.2, 0.2)))
        layer.running_var.copy_(_rounded(variance * _uniform(self.random, shape, 0.7, 1.3)))
        layer.weight.copy_(_uniform(self.random, shape, 0.8, 1.2))
        layer.bias.copy_(_uniform(self.random, shape, -0.3, 0.3))


class _DenseSetter:
    """Scales a layer with bias, before it runs, so that its outputs' root mean square is the given deviation."""

    def __init__(self, random: np.random.Generator, deviation: float) -> None:
        self.random = random
        self.deviation = deviation

    def __call__(self, layer: Any, inputs: tuple[torch.Tensor]) -> None:
        layer.bias.zero_()
        root_mean_square = layer.forward(inputs[0]).square().mean().sqrt()
        layer.weight.copy_((layer.weight * _rounded(self.deviation / root_mean_square)).float())
        layer.bias.copy_(_uniform(self.random, layer.bias.shape, -0.3, 0.3))


def _pictures(random: np.random.Generator) -> torch.Tensor:
    """Smooth noise under white noise, (N, 3, H, W) float64; each picture has its own contrast, tint and grain.

    Smooth noise alone would leave an edge detector's channel with so little variance that any real edge overdrove it.
    """
    coarse = _uniform(random, torch.Size((_PICTURES, 3, _COARSE_SIDE, _COARSE_SIDE)), -2.0, 2.0)
    contrast = _uniform(random, torch.Size((_PICTURES, 1, 1, 1)), 0.3, 1.5)
    tint = _uniform(random, torch.Size((_PICTURES, 3, 1, 1)), -1.2, 1.2)
    grain = _uniform(random, torch.Size((_PICTURES, 1, 1, 1)), 0.0, 1.0)
    white = _uniform(random, torch.Size((_PICTURES, 3, _SIDE, _SIDE)), -1.7, 1.7)
    smooth = nn.functional.interpolate(coarse * contrast + tint, size=(_SIDE, _SIDE), mode="bilinear")
    return smooth + grain * white


def _uniform(random: np.random.Generator, shape: torch.Size, low: float, high: float) -> torch.Tensor:
    """Uniform float64 numbers that float32 holds exactly."""
    values = low + (high - low) * random.random(tuple(shape))
    return torch.from_numpy(values.astype(np.float32).astype(np.float64))


def _rounded(statistic: torch.Tensor) -> torch.Tensor:
    """Rounded to float16, so that the last bits of a sum, which depend on the machine, are gone."""
    return statistic.half().double()
