"""Matrix product with a fused epilogue: what pointwise convolutions and dense layers are.

``D[m, n] = epilogue(sum_k A[m, k] * scale[m, k] * W[k, n])``: activations row-major, weights packed into panels
``[tile of n][k][vector][lane]``, so that one k reads consecutive vectors. A tile of ``rows`` x ``vectors`` sums
stays in registers over the whole of k.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd
from types import ModuleType
from typing import Any

import numpy as np

from tvm_mnv3.compat import Expr, Schedule, T, tirx
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import gemm_blocks, gemm_halves, gemm_pairs, gemm_panels, sums, tiles
from .epilogue import activate
from .gemm_knobs import UNROLL, GemmKnobs, Sizes, again, k_of_step, own_lines
from .read_ahead import READ_AHEAD, lines_ahead, weight_bytes
from .template import TASK, Array, without


def compute(workload: Workload, knobs: GemmKnobs) -> tirx.PrimFunc:
    """The kernel ``(data, [scale], [residual], weight, [bias], [ahead], output)`` before scheduling.

    Every operand is seen as a matrix: data ``(M, K)``, scale ``(batch, K)``, residual and output ``(M, N)``.
    """
    if written := _written_as_it_runs(knobs):
        return written.compute(workload, knobs)
    size = Sizes.of(workload)
    M, N, K = size.m, size.n, size.k
    rows, V, L = knobs.rows, knobs.vectors, knobs.lanes
    MT, NT = tiles.count(M, rows), tiles.count(N, V * L)
    dtype = workload.dtype
    scaled, biased, added = (part in (*workload.prologue, *workload.epilogue) for part in ("scale", "bias", "add"))
    scaled_rows, scaled_weights = (scaled and knobs.scaled == what for what in ("rows", "weights"))

    def row(mt: Expr, mi: Expr) -> Expr:
        return tiles.start(mt, M, rows) + mi

    def column(nt: Expr, v: Expr, lane: Expr) -> Expr:
        return tiles.column(nt, v, N, V, L) + lane

    def value(t: Expr, u: Expr, i: Expr, j: Expr, e: Expr, total: Any, bias: Any) -> Expr:
        blocks = [total[t, u, block, i, j, e] for block in range(K // S)]
        whole = sums.whole(blocks, bias if biased else None, (u, j, e), workload)
        return activate(whole, workload.activation, dtype)

    scale_shape = (workload.batch, K) if scaled else (1, 1)
    residual_shape = (M, N) if added else (1, 1)
    bias_shape = (sums.bias_parts(workload), NT, V, L) if biased else (1, 1, 1, 1)
    S = _block(workload)

    @T.prim_func(s_tir=True)
    def gemm(
        data: T.Buffer((M, K), dtype),
        scale: T.Buffer(scale_shape, dtype),
        residual: T.Buffer(residual_shape, dtype),
        weight: T.Buffer((NT, K, V, L), workload.stored_dtype),
        bias: T.Buffer(bias_shape, workload.dtype),
        ahead: T.Buffer((1,), dtype),
        output: T.Buffer((M, N), dtype),
    ) -> None:
        T.func_attr({"tirx.noalias": True})
        panel = T.sblock_alloc_buffer((MT, rows, K), dtype)
        total = T.sblock_alloc_buffer((MT, NT, K // S, rows, V, L), dtype)
        factors = T.sblock_alloc_buffer((NT, K, V, L), dtype)
        if scaled_weights:
            for nt, k, v, lane in T.grid(NT, K, V, L):
                with T.sblock("factors"):
                    u, c, j, e = T.axis.remap("SSSS", [nt, k, v, lane])
                    factors[u, c, j, e] = T.cast(weight[u, c, j, e], dtype) * scale[0, c]
        for mt, mi, k in T.grid(MT, rows, K):
            with T.sblock("panel"):
                t, i, c = T.axis.remap("SSS", [mt, mi, k])
                panel[t, i, c] = (
                    data[row(t, i), c] * scale[row(t, i) // size.pixels, c] if scaled_rows else data[row(t, i), c]
                )
        for mt, nt, block, mi, v, lane, k in T.grid(MT, NT, K // S, rows, V, L, S):
            with T.sblock("total"):
                t, u, b, i, j, e, c = T.axis.remap("SSSSSSR", [mt, nt, block, mi, v, lane, k])
                with T.init():
                    total[t, u, b, i, j, e] = sums.first_term(bias if biased else None, (u, j, e), workload, K // S)
                total[t, u, b, i, j, e] = total[t, u, b, i, j, e] + panel[t, i, b * S + c] * (
                    factors[u, b * S + c, j, e] if scaled_weights else T.cast(weight[u, b * S + c, j, e], dtype)
                )
        for mt, nt, mi, v, lane in T.grid(MT, NT, rows, V, L):
            with T.sblock("store"):
                t, u, i, j, e = T.axis.remap("SSSSS", [mt, nt, mi, v, lane])
                output[row(t, i), column(u, j, e)] = (
                    value(t, u, i, j, e, total, bias) + residual[row(t, i), column(u, j, e)]
                    if added
                    else value(t, u, i, j, e, total, bias)
                )

    unused = [not scaled, not added, not biased, not _reads_ahead(workload)]
    return without(gemm, [index for index, gone in zip((1, 2, 4, 5), unused, strict=True) if gone])


def schedule(sch: Schedule, workload: Workload, knobs: GemmKnobs, core: Core) -> None:
    """One register tile after another.

    Before: three loop nests over the whole matrices. After::

        for mt (tasks):                       # with order "columns": for nt, mt (tasks)
            [panel = rows of A, scaled]
            for nt:
                total[rows, vectors] = bias   # in registers
                for k, by 4:
                    total += A[rows, k] * W[k, vectors]
                output = epilogue(total)
    """
    if written := _written_as_it_runs(knobs):
        written.schedule(sch, workload, knobs, core)
        return
    if knobs.scaled == "weights":
        factors = sch.get_sblock("factors")
        sch.set_scope(factors, 0, "local")
        sch.vectorize(sch.get_loops(factors)[-1])
    panel, total, store = (sch.get_sblock(name) for name in ("panel", "total", "store"))
    mt, nt, mi, v, lane = sch.get_loops(store)
    if knobs.order == "columns":
        sch.reorder(nt, mt)
        # Panels of weights alone are too few to share evenly between threads.
        task = tile = sch.fuse(nt, mt)
    else:
        task, tile = mt, nt
    sch.annotate(task, TASK, 1)
    sch.compute_at(total, tile, preserve_unit_loops=True)
    sch.set_scope(total, 0, "local")
    sch.vectorize(lane)
    sch.unroll(mi)
    sch.unroll(v)

    step = k_of_step(workload, knobs)
    *_, mi, v, lane, k = sch.get_loops(total)
    k_outer, k_inner = sch.split(k, [None, step])
    sch.reorder(k_outer, k_inner, mi, v, lane)
    _place_panel(sch, panel, total, mt, k_outer, workload, knobs)
    sch.vectorize(lane)
    for loop in (k_inner, mi, v):
        sch.unroll(loop)
    skipped = again(workload, knobs)
    if core.isa == "x86_64" and workload.activation != "hswish" and not skipped:
        # The arithmetic of h-swish keeps stores apart anyhow. Where the last tile of channels has code of its own, LLVM
        # would keep what both tiles read for their last terms on the stack. ARM's model has no queue of stores.
        for loop in (mi, sch.get_loops(store)[-3]):
            sch.annotate(loop, tiles.IN_TURN, 1)
    sch.decompose_reduction(total, k_outer)
    if _reads_ahead(workload):
        # In the order "columns" panel after panel is used up.
        own = own_lines(workload, knobs, step) if knobs.order == "columns" else 0
        lines = lines_ahead(step * knobs.rows * knobs.vectors, own, weight_bytes(workload), core)
        sch.annotate(k_outer, READ_AHEAD, lines)
    if skipped:
        sch.annotate(tile, tiles.TILES, 1)
        for block in (total, store):
            sch.annotate(sch.get_loops(block)[-2], tiles.AGAIN, skipped)


def _written_as_it_runs(knobs: GemmKnobs) -> ModuleType | None:
    """The module whose kernel needs no more than annotations, for what no schedule could make from this one's."""
    if knobs.blocks > 1:
        return gemm_blocks
    if knobs.pairs:
        return gemm_pairs
    if knobs.scaled == "ahead":
        return gemm_panels
    return gemm_halves if knobs.half else None


def _reads_ahead(workload: Workload) -> bool:
    """Whether the kernel has the operand `ahead`: a dense layer reads enough as it is."""
    return workload.operator == "pointwise"


def _block(workload: Workload) -> int:
    """So many k are summed into one block of a sum.

    Of a pointwise convolution all: the registers of a second set of sums would cost it 4 % (V3-Large, cortex-a76).
    """
    if workload.operator != "dense":
        return workload.in_channels
    return sums.block(workload.in_channels, gcd(workload.in_channels, UNROLL), workload)


def _place_panel(
    sch: Schedule, panel: Any, total: Any, mt: Any, k_outer: Any, workload: Workload, knobs: GemmKnobs
) -> None:
    """Where the rows of A are copied: per tile of rows, per step of k into registers, both, or not at all."""
    registers = panel
    if knobs.panel and knobs.vector_reads:
        reads = [region.source.name for region in sch.get(total).reads]
        registers = sch.cache_read(total, reads.index("panel"), "local")
    if knobs.vector_reads:
        sch.compute_at(registers, k_outer)
        _in_vectors(sch, registers, gcd(workload.in_channels, UNROLL))
        sch.unroll(sch.get_loops(registers)[-3])
    if knobs.panel:
        sch.compute_at(panel, mt)
        _in_vectors(sch, panel, gcd(workload.in_channels, knobs.lanes))
    elif not knobs.vector_reads:
        sch.compute_inline(panel)


def _in_vectors(sch: Schedule, block: Any, lanes: int) -> None:
    """A copy on the stack, so many elements at a time."""
    sch.set_scope(block, 0, "local")
    _, lane = sch.split(sch.get_loops(block)[-1], [None, lanes])
    sch.vectorize(lane)


def pack(weights: Mapping[str, Array], workload: Workload, knobs: GemmKnobs) -> list[Array]:
    """Weight ``(O, I)`` or ``(O, 1, 1, I)`` into panels ``(tiles, K, vectors, lanes)``, bias alike without K."""
    weight = weights["weight"].reshape(workload.out_channels, workload.in_channels)
    if knobs.half or knobs.pairs:
        columns = tiles.columns(workload.out_channels, 1, knobs.width)[:, 0]
        kind = gemm_halves if knobs.half else gemm_pairs
        packed = [kind.pack(weight[columns].transpose(0, 2, 1), knobs)]
    else:
        columns = tiles.columns(workload.out_channels, knobs.vectors, knobs.lanes)
        packed = [np.ascontiguousarray(weight[columns].transpose(0, 3, 1, 2))]
    if "bias" in workload.epilogue:
        packed.append(np.ascontiguousarray(sums.packed_bias(weights["bias"], workload)[:, columns]))
    if _reads_ahead(workload):
        packed.append(np.zeros(1, workload.dtype))
    return packed
