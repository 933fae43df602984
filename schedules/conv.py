"""Dense convolution with a window: the stem, and any other in a network of the family.

A tile of output columns of one row times some vectors of output channels stays in registers over the whole window
and all input channels; an input value is read once per tap and spread over the vector. The stem reads the network's
NCHW input as it is: no transpose.

With the prologue ``affine`` the rows that a row of outputs needs are brought into a panel first, from 8-bit pixels or
unscaled numbers: a vector at a time, once for all taps and output channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd
from typing import Any

import numpy as np

from tvm_mnv3.compat import Expr, Schedule, T, tirx
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import sums, tiles
from .epilogue import activate
from .reference import conv as reference
from .template import TASK, Array, Template, without
from .windows import (
    WindowKnobs,
    or_zero,
    pack_columns,
    register_tiles,
    source_column,
    source_row,
    weight_row,
    weight_rows,
    with_zero_row,
    without_edges,
)

#: A larger panel does not fit on the stack of every thread (musl's has 128 KB): values are converted as they are read.
PANEL_BYTES = 48 * 1024


def compute(workload: Workload, knobs: WindowKnobs) -> tirx.PrimFunc:
    """The kernel ``(data, [residual], [factor, offset], weight, [bias], output)`` before scheduling.

    The output is ``(N, H, W, O)``; factor and offset are as in `pack`.
    """
    w, biased, added = workload, "bias" in workload.epilogue, "add" in workload.epilogue
    B, I, O, k, dtype = w.batch, w.in_channels, w.out_channels, w.kernel, w.dtype  # noqa: E741
    OH, OW, X, V, L = w.out_height, w.out_width, knobs.columns, knobs.vectors, knobs.lanes
    OT, XT = tiles.count(O, V * L), tiles.count(OW, X)
    nchw, affine, S = w.layout == "nchw", "affine" in w.prologue, _step(w, knobs)
    constants = (I, 1 if nchw else S)

    def channel(ot: Expr, v: Expr, lane: Expr) -> Expr:
        return tiles.column(ot, v, O, V, L) + lane

    def column(xt: Expr, xi: Expr) -> Expr:
        return tiles.start(xt, OW, X) + xi

    def at(n: Expr, row: Expr, col: Expr, c: Expr) -> tuple[Expr, ...]:
        return (n, c, row, col) if nchw else (n, row, col, c)

    def inner(col: Expr, c: Expr) -> tuple[Expr, Expr]:
        return (c, col) if nchw else (col, c)

    def within(n: Expr, row: Expr, tap: Expr, col: Expr, c: Expr) -> tuple[Expr, ...]:
        return (n, row, tap, *inner(col, c))

    def constant(col: Expr, c: Expr) -> tuple[Expr, Expr]:
        return (c, 0) if nchw else ((col * I + c) // S % I, (col * I + c) % S)

    def value(total: Expr, bias: Any, at: tuple[Expr, ...]) -> Expr:
        return activate(sums.whole([total], bias if biased else None, at, w), w.activation, dtype)

    @T.prim_func(s_tir=True)
    def conv(
        data: T.Buffer(
            (B, I, w.height, w.width) if nchw else (B, w.height, w.width, I),
            "uint8" if w.layout == "pixels" else "float32" if affine else dtype,
        ),
        residual: T.Buffer((B, OH, OW, O), dtype),
        factor: T.Buffer(constants, "float32"),
        offset: T.Buffer(constants, "float32"),
        weight: T.Buffer((OT, weight_rows(w), k, I, V, L), w.stored_dtype),
        bias: T.Buffer((sums.bias_parts(w), OT, V, L) if biased else (1, 1, 1, 1), dtype),
        output: T.Buffer((B, OH, OW, O), dtype),
    ) -> None:
        T.func_attr({"tirx.noalias": True})
        panel = T.sblock_alloc_buffer((B, OH, k, *inner(w.width, I)), dtype)
        total = T.sblock_alloc_buffer((B, OH, OT, XT, X, V, L), dtype)
        for b, y, dy, outer, last in T.grid(B, OH, k, *inner(w.width, I)):
            with T.sblock("panel"):
                n, r, p, g, h = T.axis.remap("SSSSS", [b, y, dy, outer, last])
                panel[n, r, p, g, h] = (
                    T.cast(data[at(n, source_row(w, r, p), *inner(g, h))], dtype) * factor[constant(*inner(g, h))]
                    + offset[constant(*inner(g, h))]
                    if affine
                    else data[at(n, source_row(w, r, p), *inner(g, h))]
                )
        for b, y, ot, xt, xi, v, lane, dy, dx, ci in T.grid(B, OH, OT, XT, X, V, L, k, k, I):
            with T.sblock("total"):
                n, r, u, t, i, j, e, p, q, c = T.axis.remap("SSSSSSSRRR", [b, y, ot, xt, xi, v, lane, dy, dx, ci])
                with T.init():
                    total[n, r, u, t, i, j, e] = sums.first_term(bias if biased else None, (u, j, e), w)
                total[n, r, u, t, i, j, e] = total[n, r, u, t, i, j, e] + or_zero(
                    w,
                    source_column(w, column(t, i), q),
                    panel[within(n, r, p, source_column(w, column(t, i), q), c)],
                ) * T.cast(weight[u, weight_row(w, r, p), q, c, j, e], dtype)
        for b, y, ot, xt, xi, v, lane in T.grid(B, OH, OT, XT, X, V, L):
            with T.sblock("store"):
                n, r, u, t, i, j, e = T.axis.remap("SSSSSSS", [b, y, ot, xt, xi, v, lane])
                output[n, r, column(t, i), channel(u, j, e)] = (
                    value(total[n, r, u, t, i, j, e], bias, (u, j, e)) + residual[n, r, column(t, i), channel(u, j, e)]
                    if added
                    else value(total[n, r, u, t, i, j, e], bias, (u, j, e))
                )

    used = ((1, added), (2, affine), (3, affine), (5, biased))
    return without(conv, [index for index, is_used in used if not is_used])


def schedule(sch: Schedule, workload: Workload, knobs: WindowKnobs, core: Core) -> None:
    """One row tile after another, sums in registers.

    Before: two loop nests over the whole output. After::

        for picture, row (tasks):
            [panel = input rows * factor + offset]
            for tile of channels, tile of columns:
                total[columns, vectors] = bias
                for dy, [input channel]:
                    total += input * weight[dy, :]      # dx, columns (and few input channels) unrolled
                output = epilogue(total)
    """
    total, store = sch.get_sblock("total"), sch.get_sblock("store")
    b, y, _, xt, xi, v, lane = sch.get_loops(store)
    task = sch.fuse(b, y)
    sch.annotate(task, TASK, 1)
    without_edges(sch, xt)
    sch.compute_at(total, xt, preserve_unit_loops=True)
    sch.set_scope(total, 0, "local")
    sch.vectorize(lane)
    sch.unroll(xi)
    sch.unroll(v)
    *_, xi, v, lane, dy, dx, c = sch.get_loops(total)
    sch.reorder(dy, c, dx, xi, v, lane)
    sch.vectorize(lane)
    for loop in (dx, xi, v):
        sch.unroll(loop)
    if workload.in_channels <= 4:
        sch.unroll(c)
    sch.decompose_reduction(total, dy)
    _place_panel(sch, task, workload, knobs)


def _place_panel(sch: Schedule, task: Any, workload: Workload, knobs: WindowKnobs) -> None:
    """The converted rows on the stack of a task; where nothing is converted or they are too many, no panel."""
    panel = sch.get_sblock("panel")
    size = 4 * workload.kernel * workload.width * workload.in_channels
    if "affine" not in workload.prologue or size > PANEL_BYTES:
        sch.compute_inline(panel)
        return
    sch.compute_at(panel, task)
    sch.set_scope(panel, 0, "local")
    *_, outer, last = sch.get_loops(panel)
    row = last if workload.layout == "nchw" else sch.fuse(outer, last)
    _, lane = sch.split(row, [None, _step(workload, knobs)])
    sch.vectorize(lane)


def _step(workload: Workload, knobs: WindowKnobs) -> int:
    """Values that are converted at once: they divide a row."""
    return gcd(workload.width, knobs.lanes)


def knobs(workload: Workload, core: Core) -> list[WindowKnobs]:
    """Every register tile that fits."""
    return register_tiles(workload, core, exact=False)


def default(workload: Workload, core: Core) -> WindowKnobs:
    """The register tile with the lowest modelled cost."""
    return min(knobs(workload, core), key=lambda tile: _cycles(tile, workload, core))


def _cycles(tile: WindowKnobs, workload: Workload, core: Core) -> float:
    """Modelled cycles: multiply-adds against loads (two a cycle) per tap, plus what a tile costs outside the window."""
    sums = tile.columns * tile.vectors
    # Each sum waits for its own last multiply-add.
    tap = max(sums / core.multiply_adds_per_cycle, (tile.columns + tile.vectors) / 2, core.multiply_add_latency)
    tap += 0.1 * (tile.columns + tile.vectors)  # loads are never quite free: prefer square tiles among equals
    taps = workload.kernel**2 * workload.in_channels
    count = tiles.count(workload.out_width, tile.columns) * tiles.count(
        workload.out_channels, tile.vectors * tile.lanes
    )
    return workload.batch * workload.out_height * count * (taps * tap + 3 * sums + 8)


def pack(weights: Mapping[str, Array], workload: Workload, knobs: WindowKnobs) -> list[Array]:
    """Weight ``(O, k, k, I)`` into ``(tiles, rows, k, I, vectors, lanes)``, bias into ``(tiles, vectors, lanes)``.

    Factor and offset ``(I,)`` come first: of NCHW data as ``(I, 1)``; of NHWC data as ``(I, S)``, the channels of S
    pixels in turn, which are I vectors.
    """
    channels = pack_columns(workload, knobs)
    weight = with_zero_row(workload, weights["weight"], 1)
    packed = [_in_turn(weights[role], workload, knobs) for role in ("factor", "offset") if role in weights]
    packed.append(np.ascontiguousarray(weight[channels].transpose(0, 3, 4, 5, 1, 2)))
    if "bias" in workload.epilogue:
        packed.append(np.ascontiguousarray(sums.packed_bias(weights["bias"], workload)[:, channels]))
    return packed


def _in_turn(constant: Array, workload: Workload, knobs: WindowKnobs) -> Array:
    pixels = 1 if workload.layout == "nchw" else _step(workload, knobs)
    return np.tile(constant, pixels).reshape(workload.in_channels, pixels)


TEMPLATE = Template(
    operator="conv",
    version=1,
    knobs_type=WindowKnobs,
    serves=lambda workload: "scale" not in workload.prologue and not workload.pools,
    compute=compute,
    schedule=schedule,
    knobs=knobs,
    default=default,
    pack=pack,
    reference=reference,
)
