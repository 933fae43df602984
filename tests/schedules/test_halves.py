"""Tiles that end with half a vector of pairs of k: where channels leave one over."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from support.cores import WIDE
from support.kernels import assembly_of, assert_computes

from tvm_mnv3.schedules import gemm
from tvm_mnv3.schedules.gemm_default import default
from tvm_mnv3.schedules.gemm_knobs import GemmKnobs
from tvm_mnv3.schedules.gemm_space import knobs
from tvm_mnv3.targets import load_core
from tvm_mnv3.workload import Workload

#: Rows that tiles divide and do not, one and several tiles of channels, all that these products are fused with.
CASES = {
    "pointwise_h6w8_i24_o72_f32_bias_relu": GemmKnobs(4, 5, 16, half=True),
    "pointwise_h7w7_i16_o88_f32_bias_hswish": GemmKnobs(3, 6, 16, half=True),
    "pointwise_h7w7_i32_o40_f32_bias_add": GemmKnobs(5, 3, 16, half=True),
    "pointwise_h5w5_i24_o56_f32": GemmKnobs(6, 2, 16, half=True),
    "pointwise_h6w8_i24_o36_f32w16_bias": GemmKnobs(5, 5, 8, half=True),
    "pointwise_n2_h3w5_i8_o72_f32_bias": GemmKnobs(4, 5, 16, half=True),
}


@pytest.mark.parametrize("name", CASES)
def test_a_tile_with_half_a_vector_agrees_with_the_reference(name: str, tmp_path: Path) -> None:
    assert_computes(Workload.parse(name), tmp_path, CASES[name])


def test_whole_vectors_hold_channels_and_the_last_pairs_of_k() -> None:
    workload = Workload.parse("pointwise_h4w4_i4_o6_f32")
    weight = np.arange(24, dtype=np.float32).reshape(6, 4)
    packed, _ = gemm.pack({"weight": weight}, workload, GemmKnobs(1, 2, 4, half=True))
    assert packed.shape == (1, 2, 3, 4)
    for pair in range(2):
        even, odd, both = packed[0, pair]
        np.testing.assert_array_equal(even, weight[:4, 2 * pair])
        np.testing.assert_array_equal(odd, weight[:4, 2 * pair + 1])
        np.testing.assert_array_equal(both, weight[4:, 2 * pair : 2 * pair + 2].ravel())


@pytest.mark.parametrize(
    ("name", "half"),
    [
        ("pointwise_h56w56_i24_o72_f32_bias_relu", True),
        ("pointwise_h28w28_i24_o88_f32_bias_relu", True),
        ("pointwise_h56w56_i64_o24_f32_bias", False),  # one vector and a half
        ("pointwise_h28w28_i40_o240_f32_bias_hswish", False),
    ],
)
def test_expansions_that_leave_half_a_vector_end_with_it(name: str, half: bool) -> None:
    assert default(Workload.parse(name), WIDE).half == half


def test_arm_s_vectors_are_always_whole() -> None:
    workload = Workload.parse("pointwise_h56w56_i24_o72_f32_bias_relu")
    assert not any(each.half for each in knobs(workload, load_core("cortex-a76")))


def test_pairs_are_read_and_not_shuffled_out_of_the_rows() -> None:
    workload = Workload.parse("pointwise_h56w56_i24_o72_f32_bias_relu")
    assembly = assembly_of(workload, GemmKnobs(4, 5, 16, half=True), WIDE)
    loop = assembly[assembly.index("vfmadd") : assembly.rindex("vfmadd")]
    assert len(re.findall(r"vbroadcastsd\s+[^%]*\(", loop)) >= 8
    assert not re.findall(r"vbroadcastss\s+%xmm", loop)
    assert not re.search(r"%zmm\d+, .*\(%rsp\)", loop)
