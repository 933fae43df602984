from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from tvm_mnv3.frontend.from_torch import import_torch
from tvm_mnv3.frontend.imported import TensorSpec
from tvm_mnv3.frontend.torch_operators import decomposition_needed
from tvm_mnv3.models import build_model

RunOnVm = Callable[..., list[np.ndarray]]

IMAGE = TensorSpec("image", (1, 4, 6, 6), "float32")


def needed(module: nn.Module, *shape: int, dtype: torch.dtype = torch.float32) -> bool:
    return decomposition_needed(torch.export.export(module.eval(), (torch.zeros(shape, dtype=dtype),)))


def difference(module: nn.Module, run_on_vm: RunOnVm) -> float:
    """The largest from PyTorch's own numbers, in parts of their range."""
    image = np.random.default_rng(0).normal(size=IMAGE.shape).astype("float32")
    (result,) = run_on_vm(import_torch(module, [IMAGE], name="net"), image)
    expected = module.eval()(torch.from_numpy(image)).detach().numpy()
    return float(np.abs(result - expected).max() / np.ptp(expected))


@pytest.mark.parametrize(
    "name",
    ["mobilenet_v3_small", "mobilenetv3_small_050", "tf_mobilenetv3_small_075", "tf_mobilenetv3_small_minimal_100"],
)
def test_networks_of_every_family_are_taken_as_they_are(name: str) -> None:
    assert not needed(build_model(name), 1, 3, 64, 64)


def norm(**options: float) -> nn.BatchNorm2d:
    layer = nn.BatchNorm2d(4, **options)
    layer.running_var.copy_(torch.tensor([0.5, 1.0, 2.0, 4.0]))  # type: ignore[union-attr]
    layer.running_mean.copy_(torch.tensor([0.5, -1.0, 2.0, 0.0]))  # type: ignore[union-attr]
    return layer


def test_batch_norm_has_its_own_epsilon_and_not_its_momentum(run_on_vm: RunOnVm) -> None:
    layer = norm(eps=0.25, momentum=0.9)
    nn.init.uniform_(layer.weight, 0.5, 2.0)
    nn.init.uniform_(layer.bias)
    assert not needed(layer, *IMAGE.shape)
    assert difference(layer, run_on_vm) < 1e-6


def test_batch_norm_without_scale_and_shift_is_decomposed(run_on_vm: RunOnVm) -> None:
    layer = norm(affine=False)
    assert needed(layer, *IMAGE.shape)
    assert difference(layer, run_on_vm) < 1e-6


class ReadsWhatChanged(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x * 2.0
        return nn.functional.relu_(y) + y


def test_operators_in_place_change_what_is_read_later(run_on_vm: RunOnVm) -> None:
    assert needed(ReadsWhatChanged(), *IMAGE.shape)
    assert difference(ReadsWhatChanged(), run_on_vm) < 1e-6


class MeanOfHalf(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3), dtype=torch.float32)


@pytest.mark.parametrize(
    ("module", "dtype"),
    [
        (nn.Linear(6, 3).half(), torch.float16),
        (MeanOfHalf(), torch.float16),
        (nn.ZeroPad2d(1), torch.float64),
        (nn.ReflectionPad2d(1), torch.float32),
        (nn.Sigmoid(), torch.float32),
    ],
)
def test_other_types_options_and_operators_are_decomposed(module: nn.Module, dtype: torch.dtype) -> None:
    assert needed(module, *IMAGE.shape, dtype=dtype)
