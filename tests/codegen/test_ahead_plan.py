"""Reading ahead is one walk through the weights, behind what is in use and not too far from it."""

from __future__ import annotations

from dataclasses import replace

from support.kernels import lower_kernel

from tvm_mnv3.codegen.ahead_plan import plan_reads_ahead
from tvm_mnv3.codegen.lowering import LoweredKernel
from tvm_mnv3.codegen.program import Place, Program, Space, Step
from tvm_mnv3.schedules.gemm_default import default
from tvm_mnv3.targets import Core, load_core
from tvm_mnv3.workload import Workload

CORE = replace(load_core("cortex-a76"), l2_bytes=0, l3_bytes=8 * 4096)
SMALL = Workload.parse("pointwise_h1w1_i4_o4_f32")
#: Weights of 1024 bytes each, from 64 on; before them the place that `ahead` has until it is planned.
SIZES = {0: 4, **{64 + 1024 * number: 1024 for number in range(8)}}


def planned(*reads: int, core: Core = CORE) -> list[int | None]:
    """Where the steps read ahead, each fetching so many bytes, or none; step n uses weight n."""
    kernel = lower_kernel("k", SMALL, default(SMALL, CORE), CORE, "aarch64-linux-gnu")
    kernels: dict[str, LoweredKernel] = {}
    steps = []
    for number, size in enumerate(reads):
        kernels[f"k{number}"] = replace(kernel, name=f"k{number}", ahead_bytes=size)
        weights = (Place(Space.WEIGHTS, 64 + 1024 * number), Place(Space.WEIGHTS, 0))
        steps.append(Step(f"k{number}", (Place(Space.INPUT, 0), *weights, Place(Space.OUTPUT, 0))))
    program = plan_reads_ahead(Program(tuple(steps), (), bytes(64 + 8 * 1024), SIZES), kernels, core)
    places = [step.operands[2] for step in program.steps]
    return [place.index if place.space is Space.AHEAD else None for place in places]


def test_each_step_goes_on_where_the_one_before_has_ended() -> None:
    assert planned(1024, 1024, 1024) == [1088, 2112, 3136]


def test_a_step_that_reads_more_makes_the_next_begin_further_ahead() -> None:
    assert planned(2048, 1024) == [1088, 3136]


def test_what_is_in_use_already_is_not_read_ahead() -> None:
    assert planned(1024, 0, 0, 1024) == [1088, None, None, 4160]


def test_no_step_reads_further_ahead_than_its_share_of_the_last_cache() -> None:
    ends = [start + 3072 for start in planned(3072, 3072, 3072) if start is not None]
    used = [1088, 2112, 3136]
    assert [end - own for end, own in zip(ends, used, strict=True)] == [3072, 4096, 4096]


def test_where_the_last_cache_keeps_all_weights_no_step_reads_further_ahead_than_half_the_second_level() -> None:
    core = replace(CORE, l2_bytes=2 * 2048, l3_bytes=8 * 64 * 1024)
    ends = [start + 1536 for start in planned(1536, 1536, 1536, core=core) if start is not None]
    assert [end - own for end, own in zip(ends, [1088, 2112, 3136], strict=True)] == [1536, 2048, 2048]
