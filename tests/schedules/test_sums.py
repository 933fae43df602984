"""Float16 sums: a bias in two parts, added last, and blocks."""

from __future__ import annotations

from math import gcd

import numpy as np
import pytest
from support.kernels import KernelLibrary, defaults, operands_of

from tvm_mnv3.schedules.sums import BLOCK, block, packed_bias
from tvm_mnv3.targets import load_core
from tvm_mnv3.workload import Workload

DENSE = "dense_i4096_o16_f16"
BIASED = (
    "pointwise_h4w4_i16_o16_f16_bias",
    "pointwise_h4w4_i144_o16_f16_bias",
    "dense_i16_o16_f16_bias",
    "depthwise_k3s1_p0x0x0x0_h4w4_c16_f16_bias",
    "conv_k3s1_p0x0x0x0_h4w4_i4_o16_f16_bias",
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> KernelLibrary:
    core = load_core("host")
    return KernelLibrary(defaults((DENSE, *BIASED), core), tmp_path_factory.mktemp("sums"), core)


@pytest.mark.parametrize("name", BIASED)
def test_a_bias_is_added_more_exactly_than_float16_holds_it(library: KernelLibrary, name: str) -> None:
    operands = operands_of(Workload.parse(name))
    bias = operands["bias"] = np.linspace(2.05, 2.9, 16, dtype=np.float32)
    operands["data"][:] = 1
    operands["weight"][:] = 0
    # One product takes away so much of the bias that the sum has a finer last place than the bias.
    operands["weight"].reshape(16, -1)[:, 0] = -1.5
    (output,) = library.run(name, operands)
    error = np.abs(output.reshape(-1, 16).astype(np.float64) - (bias - 1.5))
    half_a_unit = np.spacing(np.float16(1.5)) / 2
    assert error.max() <= half_a_unit < np.abs(bias.astype(np.float16) - bias).max()


def test_a_long_sum_does_not_stop_where_one_more_is_rounded_away(library: KernelLibrary) -> None:
    operands = {"data": np.ones((1, 4096), np.float16), "weight": np.ones((16, 4096), np.float16)}
    (output,) = library.run(DENSE, operands)
    assert (output == 4096).all()  # one after another they stop at 2048


def test_parts_of_a_bias() -> None:
    bias = np.float32([0, 1 / 3, -47.3, 1000.1])
    half, whole = (Workload.parse(name) for name in ("dense_i8_o4_f16_bias", "dense_i8_o4_f32_bias"))
    parts = packed_bias(bias, half)
    assert parts.dtype == np.float16
    np.testing.assert_allclose(parts.astype(np.float32).sum(axis=0), bias, rtol=2**-21)
    np.testing.assert_array_equal(packed_bias(bias, whole), bias[np.newaxis])


@pytest.mark.parametrize("depth", [8, 64, 72, 120, 184, 200, 576, 672, 960, 1280, 67])
def test_blocks_divide_a_float16_sum_and_steps_divide_blocks(depth: int) -> None:
    half, whole = (Workload.parse(f"dense_i{depth}_o8_{dtype}") for dtype in ("f16", "f32"))
    step = gcd(depth, 4)
    length = block(depth, step, half)
    assert depth % length == 0
    assert length % step == 0
    assert length <= BLOCK or depth == 67  # a prime: no block divides it
    assert block(depth, step, whole) == depth
