"""The last tile of channels leaves out the vectors that the tile before it has computed, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st
from support.kernels import lower_kernel

from tvm_mnv3.codegen.last_tile import with_shorter_last_tile
from tvm_mnv3.compat import T, tirx
from tvm_mnv3.schedules.gemm_knobs import GemmKnobs
from tvm_mnv3.schedules.tiles import AGAIN, TILES
from tvm_mnv3.targets import load_core
from tvm_mnv3.workload import Workload


def annotated(count: int, vectors: int, again: int) -> tirx.PrimFunc:
    """Tiles, inside them a loop over k that adds to each vector, and one that stores it."""

    @T.prim_func(s_tir=True)
    def kernel(data: T.Buffer((64,), "float32"), output: T.Buffer((64, 64), "float32")):
        for tile in T.serial(count, annotations={TILES: 1}):
            for k in range(2):
                for vector in T.unroll(vectors, annotations={AGAIN: again}):
                    output[tile, vector] = output[tile, vector] + data[k]
            for vector in T.unroll(vectors, annotations={AGAIN: again}):
                output[tile, vector] = output[tile, vector] * data[0]

    return kernel


def visited(statement: tirx.Stmt, values: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """The values of the loops around every store."""
    if isinstance(statement, tirx.SeqStmt):
        for each in statement.seq:
            yield from visited(each, values)
    elif isinstance(statement, tirx.For):
        assert not {TILES, AGAIN} & set(statement.annotations)
        first = int(statement.min)
        for value in range(first, first + int(statement.extent)):
            yield from visited(statement.body, (*values, value))
    else:
        yield values


@settings(max_examples=50, deadline=None)
@given(count=st.integers(2, 6), vectors=st.integers(1, 8), data=st.data())
def test_last_tile_begins_where_the_one_before_ends(count: int, vectors: int, data: st.DataObject) -> None:
    again = data.draw(st.integers(0, vectors - 1))
    done = list(visited(with_shorter_last_tile(annotated(count, vectors, again)).body))
    wanted = [(t, v) for t in range(count) for v in range(vectors) if t < count - 1 or v >= again]
    assert [each for each in done if len(each) == 2] == wanted
    assert sorted(each for each in done if len(each) == 3) == sorted((t, k, v) for t, v in wanted for k in (0, 1))


def test_vectors_are_left_out_inside_a_condition_too() -> None:
    @T.prim_func(s_tir=True)
    def kernel(data: T.Buffer((64,), "float32"), output: T.Buffer((64, 64), "float32")):
        for tile in T.serial(3, annotations={TILES: 1}):
            if data[tile] > T.float32(0):
                for vector in T.unroll(4, annotations={AGAIN: 2}):
                    output[tile, vector] = data[0]
            else:
                for vector in T.unroll(4, annotations={AGAIN: 1}):
                    output[tile, vector] = data[1]

    _, last = with_shorter_last_tile(kernel).body.seq
    loops = last.body.then_case, last.body.else_case
    assert [(int(loop.min), int(loop.extent)) for loop in loops] == [(2, 2), (1, 3)]
    assert not any(loop.annotations for loop in loops)


def test_loops_without_annotations_stay() -> None:
    function = annotated(3, 4, 0)
    plain = with_shorter_last_tile(with_shorter_last_tile(function))
    assert list(visited(plain.body)) == list(visited(with_shorter_last_tile(function).body))


def test_no_vector_of_112_channels_is_computed_twice() -> None:
    """Tiles of 64 and 48 channels: 7 vectors of multiply-adds for each k and row, not 8. With h-swish neither kernel's
    last terms have code of their own (`last_term`)."""
    workload = Workload.parse("pointwise_h14w14_i112_o112_f32_bias_hswish")
    core = load_core("host")
    kernels = [
        lower_kernel("kernel", workload, GemmKnobs(rows, vectors, 16), core, "x86_64-linux-gnu")
        for rows, vectors in ((7, 4), (7, 1))
    ]
    mixed, single = (kernel.function.script().count("fmuladd") for kernel in kernels)
    assert mixed == 7 * single
