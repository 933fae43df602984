"""Annotated loops fetch what lies behind the weights, all of it where there are turns enough, and nothing beyond."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from operator import add, mul, rshift, sub
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.kernels import lower_kernel

from tvm_mnv3.codegen.read_ahead import LINE, MOST, with_reads_ahead
from tvm_mnv3.compat import Call, T, tirx
from tvm_mnv3.schedules.gemm_knobs import default
from tvm_mnv3.schedules.read_ahead import READ_AHEAD, bytes_ahead
from tvm_mnv3.targets import load_core
from tvm_mnv3.workload import Workload

OWN = 64 * 4
EXPANSION = Workload.parse("pointwise_h7w7_i160_o960_f32_bias_hswish")
X86 = replace(load_core("host"), isa="x86_64", vector_bits=256, l1_data_bytes=32 << 10, l2_bytes=1 << 20)


def annotated(tiles: int, turns: int, wanted: int) -> tirx.PrimFunc:
    """Two flat loops over weights of `OWN` bytes, the inner one annotated."""

    @T.prim_func(s_tir=True)
    def kernel(weight: T.Buffer((OWN // 4,), "float32"), output: T.Buffer((1,), "float32")) -> None:
        for tile in range(tiles):
            for turn in T.serial(turns, annotations={READ_AHEAD: wanted}):
                output[0] = output[0] + weight[(tile + turn) % (OWN // 4)]

    return kernel


def fetched(statement: tirx.Stmt, values: dict[tirx.Var, int]) -> Iterator[int]:
    """The offset of every fetch from the weights' address, in the order in which the loops make them."""
    if isinstance(statement, tirx.SeqStmt):
        for each in statement.seq:
            yield from fetched(each, values)
    elif isinstance(statement, tirx.For):
        for value in range(int(statement.extent)):
            yield from fetched(statement.body, {**values, statement.loop_var: int(statement.min) + value})
    elif isinstance(statement, tirx.Evaluate) and isinstance(statement.value, Call):
        (address,) = (a for a in statement.value.args if isinstance(a, Call))
        yield number(address.args[1], values)


def number(expression: Any, values: dict[tirx.Var, int]) -> int:
    """The value of an expression of integers."""
    if isinstance(expression, tirx.Var):
        return values[expression]
    if isinstance(expression, tirx.Cast):
        return number(expression.value, values)
    operations = {tirx.Add: add, tirx.Sub: sub, tirx.Mul: mul, tirx.Min: min, tirx.RShift: rshift}
    if type(expression) in operations:
        return int(operations[type(expression)](number(expression.a, values), number(expression.b, values)))
    return int(expression)


@settings(max_examples=50, deadline=None)
@given(tiles=st.integers(1, 9), turns=st.integers(2, 40), lines=st.integers(1, 200))
def test_fetches_are_the_lines_behind_the_weights_in_order(tiles: int, turns: int, lines: int) -> None:
    offsets = list(fetched(with_reads_ahead(annotated(tiles, turns, lines * LINE)).body, {}))
    reached = min(lines, MOST * tiles * turns)
    assert list(dict.fromkeys(offsets)) == [OWN + line * LINE for line in range(reached)]


def test_a_loop_without_the_annotation_fetches_nothing() -> None:
    assert list(fetched(with_reads_ahead(annotated(2, 3, 0)).body, {})) == []


def test_a_small_kernel_reads_a_little_ahead_and_a_large_one_most_of_the_second_level_cache() -> None:
    assert [bytes_ahead(size, X86) for size in (1 << 10, 40_000, 1 << 20)] == [0, 160_000, 786_432]


def test_an_expansion_reads_ahead_on_x86_and_not_on_arm() -> None:
    texts = []
    for core, triple in ((X86, "x86_64-linux-gnu"), (load_core("cortex-a76"), "aarch64-linux-gnu")):
        kernel = lower_kernel("kernel", EXPANSION, default(EXPANSION, core), core, triple)
        texts.append(str(kernel.function))
    assert ["llvm.prefetch" in text for text in texts] == [True, False]
