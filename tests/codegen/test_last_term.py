"""Each row's last term is added just before the row is stored; nothing is added or stored twice or in another order."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cores import WIDE
from support.kernels import TRIPLE, assembly_of, lower_kernel

from tvm_mnv3.codegen.last_term import with_rows_in_turn
from tvm_mnv3.compat import Call, Expr, T, tirx
from tvm_mnv3.schedules import pointwise
from tvm_mnv3.schedules.gemm_default import default
from tvm_mnv3.schedules.gemm_knobs import GemmKnobs
from tvm_mnv3.schedules.tiles import IN_TURN
from tvm_mnv3.workload import Workload

ROWS = {IN_TURN: 1}


def annotated(steps: int, unrolled: int, rows: int, followers: int) -> tirx.PrimFunc:
    """Tiles; in each of them sums over ``steps * unrolled`` terms, and one or two things made of them."""

    @T.prim_func(s_tir=True)
    def kernel(data: T.Buffer((4096,), "float32"), output: T.Buffer((4096,), "float32")):
        for tile in range(2):
            for start in T.unroll(rows):
                output[tile + start] = T.float32(0)
            for step in range(steps):
                output[4095] = data[step]
                for term in T.unroll(unrolled):
                    for row in T.unroll(rows, annotations=ROWS):
                        output[tile + row] = output[tile + row] + data[step * unrolled + term]
            for made in T.unroll(rows, annotations=ROWS):
                output[tile + made] = output[tile + made] * data[0]
            if followers == 2:
                for stored in T.unroll(rows, annotations=ROWS):
                    output[tile + stored] = output[tile + stored] + data[1]

    return kernel


def done(statement: tirx.Stmt, values: dict[str, int] | None = None) -> Iterator[tuple[str, dict[str, int]]]:
    """Every store as it runs: what tells its statement from others, and the loops' values around it."""
    values = values or {}
    if isinstance(statement, tirx.SeqStmt):
        for each in statement.seq:
            if isinstance(each, tirx.Bind):
                values = {**values, each.var.name: values[each.value.name]}
            else:
                yield from done(each, values)
    elif isinstance(statement, tirx.For):
        assert IN_TURN not in statement.annotations
        first = value_of(statement.min, values)
        for value in range(first, first + int(statement.extent)):
            yield from done(statement.body, {**values, statement.loop_var.name: value})
    else:
        name = next((n for n in ("stored", "made", "row", "start") if n in values), "other")
        yield name, values


def value_of(expression: Expr, values: dict[str, int]) -> int:
    """A sum, or LLVM's smaller of two numbers."""
    match expression:
        case tirx.Var():
            return values[expression.name]
        case tirx.Cast():
            return value_of(expression.value, values)
        case tirx.Add():
            return value_of(expression.a, values) + value_of(expression.b, values)
        case Call():
            *_, one, other = expression.args
            return min(value_of(one, values), value_of(other, values))
    return int(expression)


@settings(max_examples=50, deadline=None)
@given(steps=st.integers(1, 4), unrolled=st.integers(1, 4), rows=st.integers(1, 5), followers=st.integers(1, 2))
def test_rows_are_stored_between_the_last_terms(steps: int, unrolled: int, rows: int, followers: int) -> None:
    stores = list(done(with_rows_in_turn(annotated(steps, unrolled, rows, followers)).body))
    every_row = range(rows)
    wanted = []
    for _ in range(2):
        wanted += [("start", row) for row in every_row]
        for term in range(steps * unrolled):
            wanted += [("other", 0)] if term % unrolled == 0 else []
            for row in every_row:
                wanted += [("row", row)]
                if term == steps * unrolled - 1:
                    wanted += [("made", row), ("stored", row)][:followers]
    assert [(name, values.get(name, 0)) for name, values in stores] == wanted


def test_what_the_last_turn_reads_is_not_kept_on_the_stack_from_tile_to_tile() -> None:
    """Were its loads the same for all tiles, LLVM would do them before the first."""
    workload = Workload.parse("pointwise_h28w28_i40_o120_f32_bias_relu")
    assembly = assembly_of(workload, GemmKnobs(6, 4, 16), WIDE)
    before, *_ = assembly.partition("vfmadd")
    assert "zmm31" in assembly
    assert not re.search(r"zmm\d+, .*\(%rsp\)", before)


def test_loops_without_annotations_stay() -> None:
    plain = with_rows_in_turn(annotated(3, 2, 4, 2))
    assert plain.script() == with_rows_in_turn(plain).script()


@pytest.mark.parametrize(
    ("name", "in_turn"),
    [
        ("pointwise_h8w8_i16_o64_f32_bias_relu", True),
        ("pointwise_h8w8_i64_o24_f32_bias", True),  # pairs of k
        ("pointwise_h8w8_i72_o40_f32_scale_bias_add", True),  # from a panel
        ("pointwise_h8w8_i16_o64_f32_bias_hswish", False),  # stores are apart by themselves
        ("pointwise_h14w14_i64_o112_f32_bias", False),  # 112 channels: a last tile of its own
    ],
)
def test_kernels_with_short_epilogues_store_among_multiply_adds(name: str, in_turn: bool) -> None:
    workload = Workload.parse(name)
    knobs = default(workload, WIDE)
    scheduled = pointwise.TEMPLATE.scheduled(workload, knobs, WIDE).mod["main"]
    assert (IN_TURN in scheduled.script()) == in_turn
    if in_turn:
        code = lower_kernel("kernel", workload, knobs, WIDE, TRIPLE).function.script()
        assert code.index("output_1[") < code.rindex("fmuladd")
