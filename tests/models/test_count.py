"""Parameters and multiply-adds: against the paper, and against what the modules really hold and do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from tvm_mnv3.models import build_model, find_model, model_names

MILLION = 1e6

#: Millions of parameters and multiply-adds, arXiv:1905.02244, Table 3. Small: the figures of the network in Table 2 (an
#: earlier version of the paper states 66 million multiply-adds for a larger head). Minimalistic: the MobileNetV3 page
#: of the TensorFlow models repository.
PAPER = {
    "mobilenet_v3_large": (5.4, 219.0),
    "mobilenetv3_large_100": (5.4, 219.0),
    "tf_mobilenetv3_large_100": (5.4, 219.0),
    "mobilenetv3_large_075": (4.0, 155.0),
    "tf_mobilenetv3_large_075": (4.0, 155.0),
    "mobilenet_v3_small": (2.5, 56.0),
    "mobilenetv3_small_100": (2.5, 56.0),
    "tf_mobilenetv3_small_100": (2.5, 56.0),
    "tf_mobilenetv3_large_minimal_100": (3.9, 209.0),
}


@pytest.mark.parametrize("name", PAPER)
def test_counts_are_within_two_percent_of_the_published(name: str) -> None:
    parameters, multiply_adds = PAPER[name]
    counts = find_model(name).counts()
    assert counts.parameters / MILLION == pytest.approx(parameters, rel=0.02)
    assert counts.multiply_adds / MILLION == pytest.approx(multiply_adds, rel=0.02)


@pytest.mark.parametrize("name", model_names())
def test_counted_parameters_are_those_of_the_module(name: str) -> None:
    with torch.device("meta"):
        network = build_model(name, num_classes=37)
    held = sum(parameter.numel() for parameter in network.parameters())
    assert find_model(name).counts(num_classes=37).parameters == held


@pytest.mark.parametrize("name", model_names())
@pytest.mark.parametrize(("height", "width"), [(224, 224), (32, 32), (96, 160)])
def test_counted_multiply_adds_are_those_that_the_module_does(name: str, height: int, width: int) -> None:
    with torch.device("meta"):
        network = build_model(name)
        done = _multiply_adds(network, torch.empty(1, 3, height, width))
    assert find_model(name).counts(height=height, width=width).multiply_adds == done


def _multiply_adds(network: nn.Module, picture: torch.Tensor) -> int:
    """Output elements times the weights each is made of, over all convolutions and dense layers."""
    layers = [layer for layer in network.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    done: list[int] = []

    def counter(layer: nn.Conv2d | nn.Linear) -> Callable[[nn.Module, object, torch.Tensor], None]:
        return lambda _module, _inputs, output: done.append(output.numel() * layer.weight[0].numel())

    for layer in layers:
        layer.register_forward_hook(counter(layer))
    network(picture)
    assert len(done) == len(layers)
    return sum(done)
