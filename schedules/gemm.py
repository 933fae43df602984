"""Matrix product with a fused epilogue: what pointwise convolutions and dense layers are.

``D[m, n] = epilogue(sum_k A[m, k] * scale[m, k] * W[k, n])``: activations row-major, weights packed into panels
``[tile of n][k][vector][lane]``, so that one k reads consecutive vectors. A tile of ``rows`` x ``vectors`` sums
stays in registers over the whole of k.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import gcd
from typing import Any

import numpy as np

from tvm_mnv3.compat import Expr, Schedule, T, tirx
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import sums, tiles
from .epilogue import activate
from .template import TASK, Array, as_numpy_dtype, without

#: A panel of scaled rows is a buffer on the stack of whatever thread runs the task (musl gives 128 KB).
PANEL_BYTES = 32 * 1024
#: k that one pass of the inner loop takes (XNNPACK's and the prototype's choice: enough to hide the loop's own work).
UNROLL = 4
#: So many tasks share evenly enough among a phone's cores.
MANY_TASKS = 32
#: Tiles whose modelled costs differ by less than this are as good as each other.
NEAR = 1.02


@dataclass(frozen=True)
class GemmKnobs:
    """Knobs of a matrix product.

    Parameters
    ----------
    rows, vectors, lanes
        The register tile: rows of A, vectors of N, elements in a vector.
    order
        ``rows``: tiles of rows outermost, weights stream past them. ``columns``: one panel of weights stays in
        the cache while all rows pass it.
    panel
        Copy the tile's rows of A, already scaled, into a buffer on the stack before they are used.
    vector_reads
        Read `UNROLL` values of a row of A at once, and multiply by lanes of that register (ARM's by-element
        multiply-add), instead of one value at a time.
    """

    rows: int
    vectors: int
    lanes: int
    order: str = "rows"
    panel: bool = False
    vector_reads: bool = False


@dataclass(frozen=True)
class _Sizes:
    m: int
    n: int
    k: int
    pixels: int  # rows that share one picture's scale

    @classmethod
    def of(cls, w: Workload) -> _Sizes:
        pixels = w.out_height * w.out_width
        return cls(m=w.batch * pixels, n=w.out_channels, k=w.in_channels, pixels=pixels)


def compute(workload: Workload, knobs: GemmKnobs) -> tirx.PrimFunc:
    """The kernel ``(data, [scale], [residual], weight, [bias], output)`` before scheduling.

    Every operand is seen as a matrix: data ``(M, K)``, scale ``(batch, K)``, residual and output ``(M, N)``.
    """
    size = _Sizes.of(workload)
    M, N, K = size.m, size.n, size.k
    rows, V, L = knobs.rows, knobs.vectors, knobs.lanes
    MT, NT = tiles.count(M, rows), tiles.count(N, V * L)
    dtype = workload.dtype
    scaled, biased, added = (part in (*workload.prologue, *workload.epilogue) for part in ("scale", "bias", "add"))

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
        bias: T.Buffer(bias_shape, workload.sum_dtype),
        output: T.Buffer((M, N), dtype),
    ) -> None:
        T.func_attr({"tirx.noalias": True})
        panel = T.sblock_alloc_buffer((MT, rows, K), dtype)
        total = T.sblock_alloc_buffer((MT, NT, K // S, rows, V, L), dtype)
        for mt, mi, k in T.grid(MT, rows, K):
            with T.sblock("panel"):
                t, i, c = T.axis.remap("SSS", [mt, mi, k])
                panel[t, i, c] = (
                    data[row(t, i), c] * scale[row(t, i) // size.pixels, c] if scaled else data[row(t, i), c]
                )
        for mt, nt, block, mi, v, lane, k in T.grid(MT, NT, K // S, rows, V, L, S):
            with T.sblock("total"):
                t, u, b, i, j, e, c = T.axis.remap("SSSSSSR", [mt, nt, block, mi, v, lane, k])
                with T.init():
                    total[t, u, b, i, j, e] = sums.first_term(bias if biased else None, (u, j, e), workload, K // S)
                total[t, u, b, i, j, e] = total[t, u, b, i, j, e] + panel[t, i, b * S + c] * T.cast(
                    weight[u, b * S + c, j, e], dtype
                )
        for mt, nt, mi, v, lane in T.grid(MT, NT, rows, V, L):
            with T.sblock("store"):
                t, u, i, j, e = T.axis.remap("SSSSS", [mt, nt, mi, v, lane])
                output[row(t, i), column(u, j, e)] = (
                    value(t, u, i, j, e, total, bias) + residual[row(t, i), column(u, j, e)]
                    if added
                    else value(t, u, i, j, e, total, bias)
                )

    unused = [not scaled, not added, not biased]
    return without(gemm, [index for index, gone in zip((1, 2, 4), unused, strict=True) if gone])


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

    step = gcd(workload.in_channels, UNROLL)
    *_, mi, v, lane, k = sch.get_loops(total)
    k_outer, k_inner = sch.split(k, [None, step])
    sch.reorder(k_outer, k_inner, mi, v, lane)
    _place_panel(sch, panel, total, mt, k_outer, workload, knobs)
    sch.vectorize(lane)
    for loop in (k_inner, mi, v):
        sch.unroll(loop)
    sch.decompose_reduction(total, k_outer)


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


def knobs(workload: Workload, core: Core) -> list[GemmKnobs]:
    """Every register tile that fits, in both orders, with and without a panel, with both ways to read A."""
    space = []
    for tile in _register_tiles(workload, core):
        space += [tile, replace(tile, order="columns")]
        if _panel_fits(tile, workload):
            space.append(replace(tile, panel=True))
    return space


def default(workload: Workload, core: Core) -> GemmKnobs:
    """The register tile with the lowest modelled cost, of about equal ones that whose tasks share most evenly among
    threads; a panel where a scale has to be multiplied in.

    ARM multiplies by a lane of a register, so it reads A by vectors; x86 spreads a value as it reads it.
    """
    size = _Sizes.of(workload)
    # Few rows and many columns: one panel of weights at a time is read once, not once per tile of rows.
    order = "columns" if size.n > size.m else "rows"
    by_vectors = core.isa == "aarch64" and workload.in_channels % UNROLL == 0
    candidates = [
        replace(tile, order=order)
        for tile in _register_tiles(workload, core)
        if tile.vector_reads == by_vectors and _leaves_registers(tile, workload, core)
    ]
    if "scale" in workload.prologue:
        fitting = [replace(tile, order="rows", panel=True) for tile in candidates if _panel_fits(tile, workload)]
        candidates = fitting or candidates
    cycles = {tile: _cycles(tile, workload, core) for tile in candidates}
    near = [tile for tile in candidates if cycles[tile] <= NEAR * min(cycles.values())]
    return min(near, key=lambda tile: (_imbalance(tile, size), cycles[tile]))


def _panel_fits(tile: GemmKnobs, workload: Workload) -> bool:
    return tile.rows * workload.in_channels * as_numpy_dtype(workload).itemsize <= PANEL_BYTES


def _leaves_registers(tile: GemmKnobs, workload: Workload, core: Core) -> bool:
    """Whether the next weights can be read while the present ones are in use, where A takes registers too.

    Without that room LLVM's ARM code waits for loads: 7 x 3 sums need 4.5 % more of the model's cycles on a cortex-a76
    than 7 x 2, on every expansion of V3-Large in float32; in float16 it makes no difference.
    """
    if not tile.vector_reads or workload.dtype != "float32" or tile.rows == tile.vectors == 1:
        return True
    return tile.rows * tile.vectors + 2 * tile.vectors + tile.rows <= core.vector_registers


def _register_tiles(workload: Workload, core: Core) -> list[GemmKnobs]:
    """Tiles whose sums fit into the registers beside one row of weights and what is read of A."""
    size = _Sizes.of(workload)
    space = []
    for lanes in tiles.lane_widths(size.n, core, workload.dtype):
        for vectors in range(1, min(8, tiles.count(size.n, lanes)) + 1):
            for rows in range(1, min(size.m, 14) + 1):
                for by_vectors in (False, True):
                    read = rows if by_vectors else 2
                    if rows * vectors + vectors + read <= core.vector_registers or rows == vectors == 1:
                        space.append(GemmKnobs(rows, vectors, lanes, vector_reads=by_vectors))
    return space


def _cycles(tile: GemmKnobs, workload: Workload, core: Core) -> float:
    """Modelled cycles: multiply-adds against loads (two a cycle) per k, plus what a tile costs outside k."""
    size = _Sizes.of(workload)
    rate = core.multiply_add_rate(tile.lanes, workload.dtype)
    sums = tile.rows * tile.vectors
    loads = tile.vectors + tile.rows / (UNROLL if tile.vector_reads else 1)
    # Each sum waits for its own last multiply-add.
    inner = max(sums / rate, loads / 2, core.multiply_add_latency)
    inner += 0.05 * loads  # loads are never quite free: prefer square tiles among equals
    outer = 3 * sums / rate + 8
    count = tiles.count(size.m, tile.rows) * tiles.count(size.n, tile.vectors * tile.lanes)
    return count * (size.k * inner + outer)


def _imbalance(tile: GemmKnobs, size: _Sizes) -> float:
    """How much longer few tasks take than equal shares of the work would, on average of 1, 2 and 4 threads."""
    tasks = tiles.count(size.m, tile.rows)
    if tile.order == "columns":
        tasks *= tiles.count(size.n, tile.vectors * tile.lanes)
    if tasks >= MANY_TASKS:
        return 1
    return sum(tiles.count(tasks, threads) * threads / tasks for threads in (1, 2, 4)) / 3


def pack(weights: Mapping[str, Array], workload: Workload, knobs: GemmKnobs) -> list[Array]:
    """Weight ``(O, I)`` or ``(O, 1, 1, I)`` into panels ``(tiles, K, vectors, lanes)``, bias alike without K."""
    columns = tiles.columns(workload.out_channels, knobs.vectors, knobs.lanes)
    weight = weights["weight"].reshape(workload.out_channels, workload.in_channels)
    packed = [np.ascontiguousarray(weight[columns].transpose(0, 3, 1, 2))]
    if "bias" in workload.epilogue:
        packed.append(np.ascontiguousarray(sums.packed_bias(weights["bias"], workload)[:, columns]))
    return packed
