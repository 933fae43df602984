"""The memory plan: nothing that is alive at the same time overlaps, and little is wasted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tvm_mnv3.codegen.memory_plan import MemoryPlan, plan_memory
from tvm_mnv3.codegen.program import ALIGNMENT, Place, Program, Space, Step, used_buffers

SCRATCH = 4096


def program_of(reads: list[list[int]], sizes: list[int]) -> Program:
    """Step i reads some of the buffers before it and writes buffer i; every third kernel wants scratch memory."""
    steps = []
    for number, (wanted, _) in enumerate(zip(reads, sizes, strict=True)):
        inputs = [Place(Space.ARENA, index % number) for index in wanted] if number else []
        kernel = "greedy" if number % 3 == 2 else "modest"
        steps.append(Step(kernel, (*inputs, Place(Space.ARENA, number))))
    return Program(tuple(steps), tuple(sizes), b"")


def regions(program: Program, plan: MemoryPlan) -> list[tuple[int, int, int, int]]:
    """Offset, size, first and last step of everything in the arena."""
    found = [
        (plan.buffers[buffer], program.buffer_bytes[buffer], first, last)
        for buffer, (first, last) in used_buffers(program.steps).items()
    ]
    return found + [(offset, SCRATCH, step, step) for step, offset in plan.scratch.items()]


@given(st.lists(st.tuples(st.lists(st.integers(0, 30), max_size=3), st.integers(1, 100_000)), min_size=1, max_size=24))
def test_nothing_alive_at_the_same_time_overlaps(layers: list[tuple[list[int], int]]) -> None:
    program = program_of([reads for reads, _ in layers], [size for _, size in layers])
    plan = plan_memory(program, {"greedy": SCRATCH})
    placed = regions(program, plan)
    assert set(plan.scratch) == {n for n, step in enumerate(program.steps) if step.kernel == "greedy"}
    for offset, size, _, _ in placed:
        assert offset % ALIGNMENT == 0
        assert offset + size <= plan.arena_bytes
    for i, (offset, size, first, last) in enumerate(placed):
        for other, other_size, other_first, other_last in placed[:i]:
            apart_in_time = last < other_first or other_last < first
            assert apart_in_time or offset + size <= other or other + other_size <= offset


def test_a_chain_takes_the_two_largest_neighbours() -> None:
    sizes = [6400, 12800, 640, 1280, 64]
    program = program_of([[n - 1] if n else [] for n in range(5)], sizes)
    assert plan_memory(program, {}).arena_bytes == 6400 + 12800


def test_an_empty_program_needs_no_memory() -> None:
    assert plan_memory(Program((), (), b""), {}).arena_bytes == 0
