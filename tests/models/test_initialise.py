"""Random weights are the seed's alone, leave nothing at its default, and give logits worth comparing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.library_models import formula_picture
from torch import nn

from tvm_mnv3.models import build_model

NAMES = ["mobilenet_v3_small", "mobilenet_v3_large", "mobilenetv3_large_075", "tf_mobilenetv3_large_minimal_100"]


def test_the_same_seed_gives_the_same_bits_whatever_ran_before() -> None:
    first = build_model("mobilenet_v3_small", seed=3).state_dict()
    torch.rand(5)
    again = build_model("mobilenet_v3_small", seed=3).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)


def test_the_bits_do_not_depend_on_the_number_of_threads() -> None:
    threads = torch.get_num_threads()
    many = build_model("mobilenet_v3_small", seed=3).state_dict()
    try:
        torch.set_num_threads(1)
        one = build_model("mobilenet_v3_small", seed=3).state_dict()
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(one[key], many[key]) for key in one)


def test_another_seed_gives_other_weights() -> None:
    first, other = (build_model("mobilenet_v3_small", seed=seed).state_dict() for seed in (0, 1))
    unchanged = [key for key in first if torch.equal(first[key], other[key])]
    assert all(key.endswith("num_batches_tracked") for key in unchanged)


@pytest.mark.parametrize("name", NAMES)
def test_no_batch_norm_stays_at_its_defaults(name: str) -> None:
    norms = [layer for layer in build_model(name, seed=0).modules() if isinstance(layer, nn.BatchNorm2d)]
    for norm in norms:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert (norm.running_mean != 0).all()
        assert (norm.running_var > 0).all()
        for tensor in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
            assert len(tensor.unique()) > 0.5 * len(tensor)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", [0, 1])
def test_logits_have_a_trained_networks_range_and_depend_on_the_picture(name: str, seed: int) -> None:
    network = build_model(name, seed=seed)
    assert all(tensor.dtype in (torch.float32, torch.int64) for tensor in network.state_dict().values())
    noise = formula_picture(128, 128)
    pictures = torch.cat([noise, noise.flip(3) * 0.5 + 0.7, nn.functional.avg_pool2d(noise, 9, 1, 4) - 0.5])
    with torch.no_grad():
        logits = network(pictures).numpy()
    assert 0.3 < logits.std() < 100
    correlation = np.corrcoef(logits)
    assert correlation[~np.eye(3, dtype=bool)].max() < 0.999


def test_training_is_left_switched_off_and_no_hook_behind() -> None:
    network = build_model("mobilenet_v3_small", seed=0)
    assert not any(layer._forward_pre_hooks or layer.training for layer in network.modules())
