"""Bottlenecks by bands of rows: the same bits as kernel by kernel, whatever the tiles and the ranges of tasks."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.net_library import build_net, run_net
from support.networks import NetworkBuilder

from tvm_mnv3.codegen.bands import TASKS, find_bands, task_starts
from tvm_mnv3.codegen.kernels import ScheduledModule, schedule_kernels
from tvm_mnv3.codegen.library import Library
from tvm_mnv3.codegen.lowering import LoweredKernel
from tvm_mnv3.codegen.program import build_program, with_joined
from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.schedules.gemm_knobs import GemmKnobs
from tvm_mnv3.schedules.windows import WindowKnobs
from tvm_mnv3.targets import Core, load_core
from tvm_mnv3.tensor_spec import TensorSpec

Array = np.ndarray[Any, Any]
PICTURE = TensorSpec("picture", (1, 3, 60, 64), "float32")
RESULT = TensorSpec("result", (1, 15, 16, 40), "float32")
#: Tiles that divide no row, in all orders.
KNOBS = {
    "depthwise_k3s2_h30w32_c64_f32_bias_relu": WindowKnobs(5, 2, 8, order="strips"),
    "depthwise_k5s1_h15w16_c72_f32_bias_hswish": WindowKnobs(3, 2, 8, order="channels"),
    "pointwise_h30w32_i16_o64_f32_bias_relu": GemmKnobs(7, 2, 8),
    "pointwise_h15w16_i64_o24_f32_bias": GemmKnobs(5, 3, 8, order="columns"),
    "pointwise_h15w16_i24_o72_f32_bias_relu": GemmKnobs(6, 3, 8, order="columns"),
    "pointwise_h15w16_i72_o24_f32_bias_add": GemmKnobs(9, 1, 8),
}
RESIDUAL = "pointwise_h15w16_i72_o24_f32_bias_add"


def body(n: NetworkBuilder, picture: relax.Var) -> relax.Expr:
    """A stem, a bottleneck without expansion, one of stride 2, one with a residual and a 5x5 window, and an end."""
    (x,) = n.kernel("conv_k3s2_h60w64_i3_o16_f32_nchw_bias_hswish", data=picture)
    (deep,) = n.kernel("depthwise_k3s1_h30w32_c16_f32_bias_relu", data=x)
    (x,) = n.kernel("pointwise_h30w32_i16_o16_f32_bias_add", data=deep, residual=x)
    (wide,) = n.kernel("pointwise_h30w32_i16_o64_f32_bias_relu", data=x)
    (deep,) = n.kernel("depthwise_k3s2_h30w32_c64_f32_bias_relu", data=wide)
    (x,) = n.kernel("pointwise_h15w16_i64_o24_f32_bias", data=deep)
    (wide,) = n.kernel("pointwise_h15w16_i24_o72_f32_bias_relu", data=x)
    (deep,) = n.kernel("depthwise_k5s1_h15w16_c72_f32_bias_hswish", data=wide)
    (x,) = n.kernel(RESIDUAL, data=deep, residual=x)
    (x,) = n.kernel("pointwise_h15w16_i24_o40_f32_bias", data=x)
    return x


def core_with(l2_bytes: int) -> Core:
    return dataclasses.replace(load_core("host"), l2_bytes=l2_bytes)


def network() -> IRModule:
    picture = relax.Var("picture", relax.TensorType(PICTURE.shape, PICTURE.dtype))
    return NetworkBuilder(seed=3).build([picture], lambda n: body(n, picture))


@pytest.fixture(scope="module")
def scheduled() -> ScheduledModule:
    return schedule_kernels(network(), load_core("host"), KNOBS)


def build(scheduled: ScheduledModule, l2_bytes: int, folder: Path) -> Library:
    return build_net(scheduled, core_with(l2_bytes), folder, PICTURE, RESULT)


@pytest.fixture(scope="module")
def libraries(scheduled: ScheduledModule, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Library, Library]:
    folder = tmp_path_factory.mktemp("bands")
    return folder, build(scheduled, 24 * 1024, folder / "bands"), build(scheduled, 1 << 30, folder / "whole")


@pytest.mark.parametrize("ranges", [None, [2], [1, 2, 3], [1, 3]], ids=["alone", "halves", "quarters", "uneven"])
def test_bands_compute_the_same_bits_as_kernel_by_kernel(
    libraries: tuple[Path, Library, Library], ranges: list[int] | None
) -> None:
    folder, banded, whole = libraries
    assert [len(each.parts) for each in banded.bands] == [2, 3, 3]
    assert whole.bands == ()
    picture = np.random.default_rng(5).standard_normal(PICTURE.shape).astype(PICTURE.dtype)
    expected = run_net(folder / "whole", picture, RESULT)
    np.testing.assert_array_equal(run_net(folder / "bands", picture, RESULT, ranges), expected)


def test_bands_at_once_keep_out_of_each_others_windows(libraries: tuple[Path, Library, Library]) -> None:
    folder, *_ = libraries
    picture = np.random.default_rng(6).standard_normal(PICTURE.shape).astype(PICTURE.dtype)
    expected = run_net(folder / "whole", picture, RESULT)
    for _ in range(50):
        at_once = run_net(folder / "bands", picture, RESULT, [1, 2, 3], at_once=True)
        np.testing.assert_array_equal(at_once, expected)


def test_bands_need_less_memory_and_steps_alone_need_what_they_did(libraries: tuple[Path, Library, Library]) -> None:
    _, banded, whole = libraries
    assert banded.memory.arena_bytes < whole.memory.arena_bytes
    assert banded.steps_memory == whole.memory


def test_a_band_is_one_step_that_reads_and_writes_what_its_kernels_did(scheduled: ScheduledModule) -> None:
    program = build_program(scheduled)
    lowered = {name: LoweredKernel(name, kernel.function, 1, 0) for name, kernel in scheduled.kernels.items()}
    counted = {name: dataclasses.replace(k, tasks=_tasks(scheduled, name)) for name, k in lowered.items()}
    bands = find_bands(program, scheduled.kernels, counted, core_with(24 * 1024))
    steps = with_joined(program, bands).steps
    assert [step.kernel for step in steps] == [
        program.steps[0].kernel, "bands_0", "bands_1", "bands_2", program.steps[-1].kernel,
    ]  # fmt: skip
    for each, step in zip(bands, steps[1:-1], strict=True):
        first, last = program.steps[each.first], program.steps[each.first + len(each.parts) - 1]
        assert step.operands[0] == first.operands[0]
        assert step.operands[-1] == last.operands[-1]
    assert find_bands(program, scheduled.kernels, counted, core_with(1 << 30)) == ()


def _tasks(scheduled: ScheduledModule, name: str) -> int:
    workload = scheduled.kernels[name].workload
    assert workload is not None
    pixels = workload.out_height * workload.out_width
    if workload.operator == "depthwise":
        return workload.out_height
    return -(-pixels // int(scheduled.kernels[name].knobs.get("rows", 1)))


@given(st.integers(1, 120), st.integers(1, 120), st.integers(1, 14))
def test_tasks_share_all_rows_and_begin_with_a_tile(height: int, width: int, tile: int) -> None:
    starts = task_starts(height, width, tile)
    assert starts[0] == 0
    assert starts[-1] == height
    assert 2 <= len(starts) <= TASKS + 1
    assert all(a < b for a, b in itertools.pairwise(starts))
    assert all(start * width % tile == 0 for start in starts[:-1])
