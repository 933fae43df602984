"""Expansion and depthwise convolution by slices of channels: the same bits as kernel by kernel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.net_library import build_net, run_net
from support.networks import NetworkBuilder

from tvm_mnv3.codegen.kernels import ScheduledModule, schedule_kernels
from tvm_mnv3.codegen.lowering import LoweredKernel
from tvm_mnv3.codegen.program import build_program, with_joined
from tvm_mnv3.codegen.slices import Slices, find_slices
from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.schedules.gemm_knobs import GemmKnobs
from tvm_mnv3.schedules.windows import WindowKnobs
from tvm_mnv3.targets import load_core
from tvm_mnv3.tensor_spec import TensorSpec

CORE = load_core("host")
PICTURE = TensorSpec("picture", (1, 3, 60, 64), "float32")
RESULT = TensorSpec("result", (1, 15, 16, 24), "float32")
EXPAND = "pointwise_h30w32_i16_o112_f32_bias_hswish"
DEPTHWISE = "depthwise_k5s2_h30w32_c112_f32_bias_relu_pool"
TILES = 960 // 5


def body(n: NetworkBuilder, picture: relax.Var) -> relax.Expr:
    (x,) = n.kernel("conv_k3s2_h60w64_i3_o16_f32_nchw_bias_hswish", data=picture)
    (wide,) = n.kernel(EXPAND, data=x)
    deep, mean = n.kernel(DEPTHWISE, data=wide)
    (x,) = n.kernel("pointwise_h15w16_i112_o24_f32_scale_bias", data=deep, scale=mean)
    return x


def scheduled(expand: GemmKnobs, depthwise: WindowKnobs) -> ScheduledModule:
    picture = relax.Var("picture", relax.TensorType(PICTURE.shape, PICTURE.dtype))
    module: IRModule = NetworkBuilder(seed=3).build([picture], lambda n: body(n, picture))
    return schedule_kernels(module, CORE, {EXPAND: expand, DEPTHWISE: depthwise})


def slices_of(module: ScheduledModule, expand_tasks: int, depthwise_tasks: int) -> tuple[Slices, ...]:
    tasks = {EXPAND: expand_tasks, DEPTHWISE: depthwise_tasks}
    lowered = {
        name: LoweredKernel(name, kernel.function, tasks.get(name, 1), 0) for name, kernel in module.kernels.items()
    }
    return find_slices(build_program(module), module.kernels, lowered)


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``slices``, and ``whole``, whose expansion goes by rows."""
    folder = tmp_path_factory.mktemp("slices")
    for name, order in (("slices", "columns"), ("whole", "rows")):
        module = scheduled(GemmKnobs(5, 1, 8, order=order), WindowKnobs(4, 1, 8))
        library = build_net(module, CORE, folder / name, PICTURE, RESULT)
        assert [each.tasks for each in library.slices] == ([7] if name == "slices" else [])
    return folder


@pytest.mark.parametrize("ranges", [None, [2], [1, 2, 3], [1, 3]], ids=["alone", "halves", "quarters", "uneven"])
def test_slices_compute_the_same_bits_as_kernel_by_kernel(libraries: Path, ranges: list[int] | None) -> None:
    picture = np.random.default_rng(5).standard_normal(PICTURE.shape).astype(PICTURE.dtype)
    expected = run_net(libraries / "whole", picture, RESULT)
    np.testing.assert_array_equal(run_net(libraries / "slices", picture, RESULT, ranges), expected)


def test_slices_at_once_keep_out_of_each_others_memory(libraries: Path) -> None:
    picture = np.random.default_rng(6).standard_normal(PICTURE.shape).astype(PICTURE.dtype)
    expected = run_net(libraries / "whole", picture, RESULT)
    for _ in range(50):
        at_once = run_net(libraries / "slices", picture, RESULT, [1, 2, 3], at_once=True)
        np.testing.assert_array_equal(at_once, expected)


def test_slices_are_one_step_that_has_the_operands_of_both_kernels() -> None:
    module = scheduled(GemmKnobs(5, 1, 8, order="columns"), WindowKnobs(4, 2, 8))
    program = build_program(module)
    (slices,) = slices_of(module, 14 * TILES, 7)
    assert (slices.tasks, slices.slice_bytes) == (7, 64)
    assert (slices.expand_tasks, slices.depthwise_tasks) == (2 * TILES, 1)
    steps = with_joined(program, [slices]).steps
    assert [step.kernel for step in steps] == [program.steps[0].kernel, "slices_0", program.steps[3].kernel]
    assert steps[1].operands == (*program.steps[1].operands, *program.steps[2].operands)


@pytest.mark.parametrize(
    ("expand", "depthwise"),
    [
        (GemmKnobs(5, 1, 8), WindowKnobs(4, 1, 8)),
        (GemmKnobs(5, 3, 8, order="columns"), WindowKnobs(4, 1, 8)),
        (GemmKnobs(5, 1, 8, order="columns"), WindowKnobs(4, 4, 8)),
    ],
    ids=["the expansion goes by rows", "its last panel overlaps another", "fewer slices than are worth it"],
)
def test_other_tiles_run_kernel_by_kernel(expand: GemmKnobs, depthwise: WindowKnobs) -> None:
    panels = -(-112 // (expand.vectors * expand.lanes))
    assert slices_of(scheduled(expand, depthwise), panels * TILES, -(-112 // (depthwise.vectors * 8))) == ()
