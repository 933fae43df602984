"""The orders of a depthwise convolution: strips of columns and blocks of channels, each of all rows of a range."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.cores import WIDE
from support.kernels import KernelLibrary, assert_computes

from tvm_mnv3.schedules.depthwise import default, knobs
from tvm_mnv3.schedules.windows import WindowKnobs
from tvm_mnv3.targets import load_core
from tvm_mnv3.workload import Workload

#: Columns and channels that tiles divide and do not, both strides, one strip, two pictures, means of rows.
CASES = {
    "depthwise_k3s1_h9w11_c24_f32_bias_relu": WindowKnobs(4, 1, 8, "strips"),
    "depthwise_k5s2_h12w12_c40_f32_bias_hswish": WindowKnobs(2, 3, 8, "strips"),
    "depthwise_k3s2_h8w8_c16_f32_bias_relu": WindowKnobs(4, 1, 16, "strips"),
    "depthwise_n2_k3s1_h6w10_c24_f32_bias_relu": WindowKnobs(5, 2, 8, "strips"),
    "depthwise_k3s1_h9w11_c40_f32_bias_relu": WindowKnobs(4, 2, 8, "channels"),
    "depthwise_k5s2_h12w12_c24_f32_bias_hswish_rowpool": WindowKnobs(3, 1, 8, "channels"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_order_changes_no_bit(name: str, tmp_path: Path) -> None:
    assert_computes(Workload.parse(name), tmp_path, CASES[name], replace(CASES[name], order="rows"))


@pytest.mark.parametrize("name", CASES)
def test_a_row_is_a_task(name: str, tmp_path: Path) -> None:
    workload = Workload.parse(name)
    library = KernelLibrary({"parts": (workload, CASES[name])}, tmp_path)
    assert library.kernels["parts"].tasks == workload.out_height


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("depthwise_k3s1_h56w56_c72_f32_bias_relu", "strips"),  # four rows are more than 48 KB
        ("depthwise_k5s1_h28w28_c120_f32_bias_relu_rowpool", "channels"),  # the mean of a row wants all of it
        ("depthwise_k3s1_h14w14_c200_f32_bias_hswish", "rows"),
        ("depthwise_k3s1_h112w112_c64_f32_bias_relu_pool", "rows"),  # by blocks of channels anyway
    ],
)
def test_windows_that_the_first_level_cache_does_not_hold_go_in_parts(name: str, order: str) -> None:
    assert default(Workload.parse(name), WIDE).order == order


def test_parts_are_in_the_space_of_x86_alone() -> None:
    workload = Workload.parse("depthwise_k3s1_h56w56_c72_f32_bias_relu")
    orders = {core.isa: {each.order for each in knobs(workload, core)} for core in (WIDE, load_core("cortex-a76"))}
    assert orders == {"x86_64": {"rows", "strips"}, "aarch64": {"rows"}}
