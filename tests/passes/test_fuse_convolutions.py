from __future__ import annotations

import numpy as np
import pytest
import torch
from passes.small_network import imported, randomised
from passes.stage import Stage, operators
from torch import nn

from tvm_mnv3.passes.composite import composite_function, operands
from tvm_mnv3.passes.pipeline import normalize
from tvm_mnv3.workload import Workload

SHAPE = (2, 6, 9, 8)
X = np.random.default_rng(0).normal(size=SHAPE).astype("float32")


class Sum(nn.Module):
    """The sum of two branches."""

    def __init__(self, left: nn.Module, right: nn.Module) -> None:
        super().__init__()
        self.left, self.right = left, right

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.left(x) + self.right(x)


def _kernels(network: nn.Module, shape: tuple[int, ...] = SHAPE) -> list[str]:
    """The operators of a network in normal form, which computes what the network does."""
    network = randomised(network)
    x = X.reshape(-1)[: int(np.prod(shape))].reshape(shape)
    with torch.no_grad():
        expected = network(torch.from_numpy(x)).numpy()
    return list(operators(Stage(imported(network, shape)).run(normalize).check_result(expected, x).module).elements())


@pytest.mark.parametrize(
    ("layer", "kernel"),
    [
        (nn.Conv2d(6, 5, 1, bias=False), "pointwise_n2_h9w8_i6_o5_f32"),
        (nn.Conv2d(6, 5, 1), "pointwise_n2_h9w8_i6_o5_f32_bias"),
        (nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=6), "depthwise_n2_k3s2_h9w8_c6_f32_bias"),
        (nn.Conv2d(6, 5, 1, stride=2), "conv_n2_k1s2_h9w8_i6_o5_f32_nchw_bias"),
        (nn.Conv2d(6, 5, 5, padding=1), "conv_n2_k5s1_p1x1x1x1_h9w8_i6_o5_f32_nchw_bias"),
        (nn.Conv2d(6, 6, 3, padding=2, dilation=2, groups=6), "nn.conv2d"),
        (nn.Conv2d(6, 6, 3, padding=1, groups=3), "nn.conv2d"),
        (nn.Conv2d(6, 12, 3, padding=1, groups=6), "nn.conv2d"),
        (nn.Conv2d(6, 5, (1, 3)), "nn.conv2d"),
        (nn.Conv2d(6, 5, 3, stride=(1, 2)), "nn.conv2d"),
        (nn.Sequential(nn.Conv2d(6, 5, 1), nn.AdaptiveAvgPool2d(1)), "pool_n2_h9w8_c5_f32"),
    ],
    ids=str,
)
def test_each_layer_is_the_kernel_of_its_shape_or_stays(layer: nn.Module, kernel: str) -> None:
    assert kernel in _kernels(layer)


@pytest.mark.parametrize(
    ("activation", "name"),
    [(nn.ReLU(), "relu"), (nn.ReLU6(), "relu6"), (nn.Hardswish(), "hswish"), (nn.Hardsigmoid(), "hsigmoid")],
)
def test_every_activation_rides_along(activation: nn.Module, name: str) -> None:
    assert f"pointwise_n2_h9w8_i6_o5_f32_bias_{name}" in _kernels(nn.Sequential(nn.Conv2d(6, 5, 1), activation))


def test_a_convolution_of_one_pixel_is_a_dense_layer() -> None:
    stem = nn.Conv2d(6, 6, 3)
    head = (nn.AdaptiveAvgPool2d(1), nn.Conv2d(6, 5, 1), nn.Hardswish(), nn.Flatten(), nn.Linear(5, 4))
    assert [kernel for kernel in _kernels(nn.Sequential(stem, *head)) if kernel != "reshape"] == [
        "conv_n2_k3s1_p0x0x0x0_h9w8_i6_o6_f32_nchw_bias",
        "pool_n2_h7w6_c6_f32",
        "dense_n2_i6_o5_f32_bias_hswish",
        "dense_n2_i5_o4_f32_bias",
    ]


def test_of_two_projections_that_are_added_one_takes_the_sum() -> None:
    kernels = _kernels(Sum(nn.Conv2d(6, 5, 1), nn.Conv2d(6, 5, 1)))
    assert [k for k in kernels if k.startswith("pointwise")] == [
        "pointwise_n2_h9w8_i6_o5_f32_bias",
        "pointwise_n2_h9w8_i6_o5_f32_bias_add",
    ]
    assert "add" not in kernels


def test_a_sum_with_a_map_of_another_shape_stays() -> None:
    kernels = _kernels(Sum(nn.Conv2d(6, 6, 1), nn.AdaptiveAvgPool2d(1)))
    assert "add" in kernels
    assert "pointwise_n2_h9w8_i6_o6_f32_bias" in kernels


def test_a_projection_that_is_read_before_its_sum_keeps_its_own_value() -> None:
    class ReadTwice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.projection = nn.Conv2d(6, 6, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.projection(x)
            return torch.cat([y + x, y], 1)

    kernels = _kernels(ReadTwice())
    assert "add" in kernels
    assert "pointwise_n2_h9w8_i6_o6_f32_bias" in kernels


def test_an_activation_whose_input_is_read_elsewhere_stays() -> None:
    kernels = _kernels(nn.Sequential(nn.Conv2d(6, 6, 1), Sum(nn.Hardswish(), nn.Identity())))
    assert "pointwise_n2_h9w8_i6_o6_f32_bias" in kernels
    assert "clip" in kernels


def test_an_input_with_two_readers_is_transposed_once_at_the_boundary() -> None:
    kernels = _kernels(Sum(nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1)))
    assert kernels.count("permute_dims") == 2
    assert kernels.count("conv_n2_k3s1_h9w8_i6_o6_f32_bias") == 2


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("pointwise_h4w4_i8_o6_f32_scale_bias_add", ["data", "scale", "residual", "weight", "bias"]),
        ("conv_k3s2_h8w8_i3_o8_f32_nchw_bias_hswish", ["data", "weight", "bias"]),
        ("depthwise_k5s1_h4w4_c8_f32_bias_relu_pool", ["data", "weight", "bias"]),
        ("se_c8_s2_f32_relu_hsigmoid", ["data", "weight1", "bias1", "weight2", "bias2"]),
        ("dense_i8_o4_f32", ["data", "weight"]),
        ("pool_h4w4_c8_f32", ["data"]),
    ],
)
def test_a_composite_tells_its_operands_in_the_canonical_order(name: str, roles: list[str]) -> None:
    workload = Workload.parse(name)
    function = composite_function(workload)
    assert [str(role) for role in function.attrs["Operands"]] == roles == list(operands(workload))
    assert [parameter.name for parameter in function.params] == roles
    assert str(function.attrs["Workload"]) == name
