"""Annotated loops fetch line after line from the operand ``ahead`` on, on cores where that is measured."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from support.fetches import fetches
from support.kernels import lower_kernel

from tvm_mnv3.codegen.read_ahead import with_reads_ahead
from tvm_mnv3.compat import T, tirx
from tvm_mnv3.schedules.gemm_default import default
from tvm_mnv3.schedules.read_ahead import LINE, READ_AHEAD, lines_ahead
from tvm_mnv3.targets import load_core
from tvm_mnv3.workload import Workload

EXPANSION = Workload.parse("pointwise_h7w7_i160_o960_f32_bias_hswish")
ARM = load_core("cortex-a76")
X86 = replace(load_core("host"), isa="x86_64", vector_bits=256, multiply_adds_per_cycle=1, l1_data_bytes=32 << 10)


def annotated(tiles: int, turns: int, lines: int) -> tirx.PrimFunc:
    """Two flat loops, the inner one annotated."""

    @T.prim_func(s_tir=True)
    def kernel(data: T.Buffer((64,), "float32"), ahead: T.Buffer((1,), "float32"), output: T.Buffer((1,), "float32")):
        for tile in range(tiles):
            for turn in T.serial(turns, annotations={READ_AHEAD: lines}):
                output[0] = output[0] + data[tile + turn]

    return kernel


@settings(max_examples=50, deadline=None)
@given(tiles=st.integers(1, 9), turns=st.integers(2, 40), lines=st.integers(1, 5))
def test_fetches_walk_line_by_line_from_the_operand_ahead(tiles: int, turns: int, lines: int) -> None:
    function, size = with_reads_ahead(annotated(tiles, turns, lines))
    assert [offset for _, offset in fetches(function.body)] == list(range(0, size, LINE))
    assert size == tiles * turns * lines * LINE


def test_a_loop_without_the_annotation_fetches_nothing() -> None:
    function, size = with_reads_ahead(annotated(2, 3, 0))
    assert [offset for _, offset in fetches(function.body)] == []
    assert size == 0


def test_a_kernel_with_little_weights_fetches_nothing_and_wide_tiles_fetch_more_lines_in_a_turn() -> None:
    assert [lines_ahead(96, 0, size, X86) for size in (1 << 10, 40_000)] == [0, 3]
    assert [lines_ahead(work, 0, 40_000, X86) for work in (8, 64, 192)] == [1, 2, 6]


def test_a_kernel_that_uses_up_many_weights_fetches_more_than_them_up_to_a_rate() -> None:
    assert [lines_ahead(64, own, 40_000, X86) for own in (0.5, 2, 10)] == [2, 5, 6]


def test_an_expansion_reads_ahead_on_x86_and_not_on_arm() -> None:
    x86 = lower_kernel("kernel", EXPANSION, default(EXPANSION, X86), X86, "x86_64-linux-gnu")
    assert "llvm.prefetch" in str(x86.function)
    assert x86.ahead_bytes > 500_000
    arm = lower_kernel("kernel", EXPANSION, default(EXPANSION, ARM), ARM, "aarch64-linux-gnu")
    assert "llvm.prefetch" not in str(arm.function)
    assert arm.ahead_bytes == 0
