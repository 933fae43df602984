"""Kernels know the layers of the source whose weights they hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tvm_mnv3.frontend.from_torch import import_torch
from tvm_mnv3.models import build_model, find_model
from tvm_mnv3.models.weights import load_weights
from tvm_mnv3.passes.name_layers import layer_names
from tvm_mnv3.passes.pipeline import normalize
from tvm_mnv3.source_layer import joined
from tvm_mnv3.tensor_spec import TensorSpec


def names_of(network: nn.Module, size: int = 32, shuffled: bool = False) -> list[tuple[str, ...]]:
    """The names in each kernel; `shuffled` gives the layers in another order than the source has them."""
    imported = import_torch(network, [TensorSpec("x", (1, 3, size, size), "float32")], name="network")
    layers = imported.layers[::-1] if shuffled else imported.layers
    return layer_names(normalize(imported.module), layers)


def test_every_layer_of_a_real_network_is_named_once_and_in_order() -> None:
    network = build_model("mobilenet_v3_small_035")
    load_weights(network, find_model("mobilenet_v3_small_035"), "random", seed=1)
    layers = [name for name, part in network.named_modules() if isinstance(part, (nn.Conv2d, nn.Linear))]
    found = names_of(network.eval())
    assert [name for names in found for name in names] == layers
    assert ("features.1.block.1.fc1", "features.1.block.1.fc2") in found


class Twins(nn.Module):
    """Two branches of equal layers, of which the later one in the source ends first."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.Hardswish())
        self.slow = nn.Conv2d(16, 16, 1)
        self.quick = nn.Conv2d(16, 16, 1)
        self.last = nn.Conv2d(16, 16, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        slow, quick = self.slow(x), self.quick(x)
        quick = nn.functional.relu(quick)
        slow = nn.functional.hardswish(slow)
        result: torch.Tensor = self.last(slow * quick)
        return result


@pytest.mark.parametrize("shuffled", [False, True])
def test_layers_of_one_shape_are_told_apart_by_their_weights(shuffled: bool) -> None:
    torch.manual_seed(0)
    network = Twins().eval()
    nn.init.uniform_(network.stem[1].running_var, 0.2, 3.0)
    nn.init.uniform_(network.stem[1].weight, -2.0, 2.0)
    assert sorted(names_of(network, shuffled=shuffled)) == [("last",), ("quick",), ("slow",), ("stem.0",)]
    found = dict(zip(("stem.0", "relu", "hswish", "last"), names_of(network, shuffled=shuffled), strict=True))
    assert found["stem.0"] == ("stem.0",)
    assert found["last"] == ("last",)


def test_layers_without_weights_to_tell_them_apart_are_named_by_their_order() -> None:
    network = Twins().eval()
    for part in (network.slow, network.quick, network.last):
        nn.init.zeros_(part.weight)
    names = [name for names in names_of(network) for name in names]
    assert sorted(names) == ["last", "quick", "slow", "stem.0"]
    assert names[-1] == "last"


def test_a_layer_that_the_source_does_not_have_stays_without_a_name() -> None:
    imported = import_torch(Twins().eval(), [TensorSpec("x", (1, 3, 32, 32), "float32")], name="network")
    assert layer_names(normalize(imported.module), []) == [(), (), (), ()]


def test_joined_names_say_what_they_share_once() -> None:
    assert joined(("a.b.fc1", "a.b.fc2")) == "a.b.fc1 + fc2"
    assert joined(("Conv v1", "Conv v3")) == "Conv v1 + Conv v3"
    assert joined(()) == ""
    assert np.all([joined((name,)) == name for name in ("a.b", "c")])
