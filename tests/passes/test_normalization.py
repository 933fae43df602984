"""What a network does to its input is found, whatever its spelling, and becomes the stem's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from passes.interpreter import run
from passes.small_network import INPUT, SmallNetwork, imported, randomised
from passes.stage import operators
from torch import nn

from tvm_mnv3.errors import InputError
from tvm_mnv3.passes.dataflow import Dataflow, dtype, shape
from tvm_mnv3.passes.pipeline import normalize
from tvm_mnv3.passes.take_pixels import take_pixels

X = np.random.default_rng(0).uniform(0, 1, INPUT).astype("float32")
STEM = "conv_k3s2_p0x0x1x1_h17w17_i3_o8_f32_nchw_affine_bias_hswish"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Normalized(nn.Module):
    """The small network behind something that is done to its input."""

    def __init__(self, spelling: str) -> None:
        super().__init__()
        self.network = SmallNetwork()
        self.register_buffer("mean", torch.tensor(MEAN).reshape(3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).reshape(1, 3, 1, 1))
        self.spelling = spelling

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spellings = {
            "symmetric": lambda: x * 2 - 1,
            "other order": lambda: -1 + 2 * x,
            "by channel": lambda: (x - self.mean) / self.std,
            "not affine": lambda: torch.relu(x * 2 - 1),
            "one minus": lambda: 1 - x,
        }
        return self.network(spellings[self.spelling]())


@pytest.mark.parametrize("spelling", ["symmetric", "other order", "by channel"])
def test_a_factor_and_an_offset_per_channel_become_the_stem_s(spelling: str) -> None:
    network = randomised(Normalized(spelling))
    network.mean.copy_(torch.tensor(MEAN).reshape(3, 1, 1))
    network.std.copy_(torch.tensor(STD).reshape(1, 3, 1, 1))
    module = normalize(imported(network))
    found = operators(module)
    assert found[STEM] == 1
    assert not [name for name in found if name in ("add", "subtract", "multiply", "divide")]
    with torch.no_grad():
        expected = network(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(run(module, X)[0], expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("spelling", ["not affine", "one minus"])
def test_anything_else_stays_before_the_stem(spelling: str) -> None:
    network = randomised(Normalized(spelling))
    module = normalize(imported(network))
    assert operators(module)[STEM] == 0
    with torch.no_grad():
        expected = network(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(run(module, X)[0], expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_network_that_takes_pixels_normalizes_them_as_an_app_would() -> None:
    network = randomised(SmallNetwork())
    module = normalize(take_pixels(imported(network), MEAN, STD))
    (parameter,) = Dataflow.of(module).parameters
    assert (shape(parameter), dtype(parameter)) == ((1, 17, 17, 3), "uint8")
    assert operators(module)[STEM.replace("nchw", "pixels")] == 1
    pixels = np.random.default_rng(0).integers(0, 256, (1, 17, 17, 3), np.uint8)
    by_app = ((pixels.astype("float32") / 255 - np.float32(MEAN)) / np.float32(STD)).transpose(0, 3, 1, 2)
    with torch.no_grad():
        expected = network(torch.from_numpy(np.ascontiguousarray(by_app))).numpy()
    np.testing.assert_allclose(run(module, pixels)[0], expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_pixels_for_a_network_without_a_picture_are_refused() -> None:
    module = imported(randomised(nn.Conv2d(6, 4, 1)), (1, 6, 8, 8))
    with pytest.raises(InputError, match=r"one float32 input of N x 3 x H x W; this one has .*1x6x8x8"):
        take_pixels(module, MEAN, STD)
