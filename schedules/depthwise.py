"""Depthwise convolution, NHWC: a row of outputs after another, and in it one channel block after another.

A row of one block is a task. But the rows of a window may be more than the first-level cache holds, and then each is
read out of the second-level cache once for every row of outputs: there a row is a task, and of all rows of a range a
part is done before the next, a strip of columns or a block of channels (`WindowKnobs.order`).

With the epilogues ``pool`` and ``rowpool`` the outputs are also summed while they are in registers, so that the squeeze
of an SE block costs no pass of its own. With ``pool`` the blocks are outermost and tasks, because a channel's sum is
made in one order, whatever the threads; with ``rowpool`` a sum ends with its row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tvm_mnv3.compat import Expr, Schedule, T, tirx
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import sums, tiles
from .epilogue import activate
from .reference import depthwise as reference
from .template import TASK, Array, Template, as_numpy_dtype, without
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

#: So many inputs beyond the registers cost nothing: LLVM reads them late (found with llvm-mca, cortex-a76).
SPARE_INPUTS = 4
#: Tiles of more columns than these are worth it only where they are the whole row (measured on an AMD EPYC, Zen 4).
WIDE_COLUMNS = 7


def compute(workload: Workload, knobs: WindowKnobs) -> tirx.PrimFunc:
    """The kernel ``(data, weight, [bias], output, [mean])`` before scheduling: ``(N, H, W, C)``.

    The mean is ``(N, S, C)``: of so many strips of the output, 1 (``pool``) or one for each row (``rowpool``).
    """
    w, biased, pooled = workload, "bias" in workload.epilogue, workload.pools
    B, C, k, dtype = w.batch, w.in_channels, w.kernel, w.dtype
    OH, OW, X, V, L = w.out_height, w.out_width, knobs.columns, knobs.vectors, knobs.lanes
    CT, XT = tiles.count(C, V * L), tiles.count(OW, X)
    S = OH if "rowpool" in w.epilogue else 1
    R = OH // S

    def channel(ct: Expr, v: Expr, lane: Expr) -> Expr:
        return tiles.column(ct, v, C, V, L) + lane

    def column(xt: Expr, xi: Expr) -> Expr:
        return tiles.start(xt, OW, X) + xi

    @T.prim_func(s_tir=True)
    def depthwise(
        data: T.Buffer((B, w.height, w.width, C), dtype),
        weight: T.Buffer((CT, weight_rows(w), k, V, L), w.stored_dtype),
        bias: T.Buffer((sums.bias_parts(w), CT, V, L) if biased else (1, 1, 1, 1), dtype),
        output: T.Buffer((B, OH, OW, C), dtype),
        mean: T.Buffer((B, S, C), dtype),
    ) -> None:
        T.func_attr({"tirx.noalias": True})
        total = T.sblock_alloc_buffer((B, CT, OH, XT, X, V, L), dtype)
        value = T.sblock_alloc_buffer((B, CT, OH, XT, X, V, L), dtype)
        squeeze = T.sblock_alloc_buffer((B, CT, S, V, L), "float32")
        for b, ct, y, xt, xi, v, lane, dy, dx in T.grid(B, CT, OH, XT, X, V, L, k, k):
            with T.sblock("total"):
                n, u, r, t, i, j, e, p, q = T.axis.remap("SSSSSSSRR", [b, ct, y, xt, xi, v, lane, dy, dx])
                with T.init():
                    total[n, u, r, t, i, j, e] = sums.first_term(bias if biased else None, (u, j, e), w)
                total[n, u, r, t, i, j, e] = total[n, u, r, t, i, j, e] + or_zero(
                    w,
                    source_column(w, column(t, i), q),
                    data[n, source_row(w, r, p), source_column(w, column(t, i), q), channel(u, j, e)],
                ) * T.cast(weight[u, weight_row(w, r, p), q, j, e], dtype)
        for b, ct, y, xt, xi, v, lane in T.grid(B, CT, OH, XT, X, V, L):
            with T.sblock("value"):
                n, u, r, t, i, j, e = T.axis.remap("SSSSSSS", [b, ct, y, xt, xi, v, lane])
                value[n, u, r, t, i, j, e] = activate(
                    sums.whole([total[n, u, r, t, i, j, e]], bias if biased else None, (u, j, e), w),
                    w.activation,
                    dtype,
                )
        for b, ct, y, xt, xi, v, lane in T.grid(B, CT, OH, XT, X, V, L):
            with T.sblock("store"):
                n, u, r, t, i, j, e = T.axis.remap("SSSSSSS", [b, ct, y, xt, xi, v, lane])
                output[n, r, column(t, i), channel(u, j, e)] = value[n, u, r, t, i, j, e]
        if pooled:
            for b, ct, strip, v, lane, y, xt, xi in T.grid(B, CT, S, V, L, R, XT, X):
                with T.sblock("squeeze"):
                    n, u, s, j, e, r, t, i = T.axis.remap("SSSSSRRR", [b, ct, strip, v, lane, y, xt, xi])
                    with T.init():
                        squeeze[n, u, s, j, e] = T.float32(0)
                    squeeze[n, u, s, j, e] = squeeze[n, u, s, j, e] + T.cast(
                        value[n, u, s * R + r, t, i, j, e], "float32"
                    )
            for b, ct, strip, v, lane in T.grid(B, CT, S, V, L):
                with T.sblock("mean"):
                    n, u, s, j, e = T.axis.remap("SSSSS", [b, ct, strip, v, lane])
                    mean[n, s, channel(u, j, e)] = T.cast(squeeze[n, u, s, j, e] * T.float32(1.0 / (R * OW)), dtype)

    gone = [index for index, used in ((2, biased), (4, pooled)) if not used]
    return without(depthwise, gone)


def schedule(sch: Schedule, workload: Workload, knobs: WindowKnobs, core: Core) -> None:
    """One row tile of one channel block after another, sums in registers.

    Before: a loop nest per block over the whole picture. After::

        for picture, [row,] channel block (tasks):      # with "pool": rows are inside
            [squeeze = 0]
            for [row], tile of columns:             # with "strips": tiles are outermost; with "channels": blocks
                total[columns, vectors] = bias
                for dy:
                    total += input row * weight[dy, :]      # dx and columns unrolled: loads are shared
                value = activation(total)
                output = value
                [squeeze += value]
            [mean = squeeze / pixels]
    """
    total, value, store = (sch.get_sblock(name) for name in ("total", "value", "store"))
    b, ct, y, xt, *_ = sch.get_loops(value)
    without_edges(sch, xt)
    inner = xt
    if "pool" in workload.epilogue:
        task = sch.fuse(b, ct)
    elif knobs.order == "strips":
        sch.reorder(b, xt, y, ct)
        task, inner = y, ct
    elif knobs.order == "channels":
        task = y
    else:
        # Each row of the input is read from a far cache once for all channels.
        sch.reorder(b, y, ct)
        task = sch.fuse(b, y, ct)
    sch.annotate(task, TASK, 1)
    sch.reverse_compute_at(store, inner, preserve_unit_loops=True)
    sch.compute_at(total, inner, preserve_unit_loops=True)
    for block in (total, value):
        sch.set_scope(block, 0, "local")
    if workload.pools:
        squeeze, mean = sch.get_sblock("squeeze"), sch.get_sblock("mean")
        sch.reverse_compute_at(squeeze, xt, preserve_unit_loops=True)
        sch.reverse_compute_at(mean, task, preserve_unit_loops=True)
        sch.set_scope(squeeze, 0, "local")
        _straight(sch, sch.get_loops(mean)[-2:])
        *_, v, lane, _, _, xi = sch.get_loops(squeeze)
        sch.reorder(xi, v, lane)
        _straight(sch, [xi, v, lane])
        sch.decompose_reduction(squeeze, y if "pool" in workload.epilogue else xt)
    for block in (store, value):
        _straight(sch, sch.get_loops(block)[-3:])

    *_, xi, v, lane, dy, dx = sch.get_loops(total)
    sch.reorder(dy, dx, xi, v, lane)
    _straight(sch, [dx, xi, v, lane])
    sch.decompose_reduction(total, dy)


def _straight(sch: Schedule, loops: list[Any]) -> None:
    """Straight-line code: the last loop becomes a vector, the others are unrolled."""
    *outer, lane = loops
    sch.vectorize(lane)
    for loop in outer:
        sch.unroll(loop)


def knobs(workload: Workload, core: Core) -> list[WindowKnobs]:
    """Every register tile that fits, in the orders that may be worth it."""
    space = register_tiles(workload, core, exact=workload.pools)
    return [replace(tile, order=order) for order in _orders(workload, core) for tile in space]


def _orders(workload: Workload, core: Core) -> list[str]:
    """By rows; and in parts where the first-level cache does not hold the rows of a window and one of outputs.

    Only on x86: ARM's models have no caches. The mean of a row wants all of it at once; that of a picture has blocks of
    channels anyway.
    """
    pixels = workload.kernel * workload.width + workload.out_width
    row_bytes = pixels * workload.in_channels * as_numpy_dtype(workload).itemsize
    if core.isa != "x86_64" or "pool" in workload.epilogue or row_bytes <= core.l1_data_bytes:
        return ["rows"]
    return ["rows", "channels" if workload.pools else "strips"]


def default(workload: Workload, core: Core) -> WindowKnobs:
    """The register tile with the lowest modelled cost, in parts where the first-level cache wants it."""
    *_, order = _orders(workload, core)
    space = [tile for tile in knobs(workload, core) if tile.order == order]
    return min(space, key=lambda tile: _cycles(tile, workload, core))


def _cycles(tile: WindowKnobs, workload: Workload, core: Core) -> float:
    """Modelled cycles: multiply-adds against loads (two a cycle), plus what a tile costs outside the window."""
    k, sums = workload.kernel, tile.columns * tile.vectors
    inputs = ((tile.columns - 1) * workload.stride + k) * tile.vectors
    row = max(sums * k / core.multiply_adds_per_cycle, (inputs + k * tile.vectors) / 2)
    row = max(row, core.multiply_add_latency * k) + 0.1 * (inputs + k * tile.vectors) + 3
    on_core = _on_arm if core.isa == "aarch64" else _on_x86
    row = on_core(row, tile, sums + inputs, workload, core)
    count = tiles.count(workload.out_width, tile.columns) * tiles.count(
        workload.out_channels, tile.vectors * tile.lanes
    )
    return workload.batch * workload.out_height * count * (k * row + 2 * sums + 6)


def _on_arm(row: float, tile: WindowKnobs, live: int, workload: Workload, core: Core) -> float:
    """What llvm-mca adds for a cortex-a76 to the cost of one row of the window; the numbers are fitted to a search.

    `live` values, sums and inputs, are in use in that row.
    """
    # ARM multiplies registers only: inputs that no register is left for are read once more.
    row += 0.5 * max(0, live - core.vector_registers - SPARE_INPUTS)
    row = max(row, 2 * core.multiply_add_latency * workload.kernel + 5)
    return row * 1.06 if tile.vectors == 1 and tile.columns < workload.out_width else row


def _on_x86(row: float, tile: WindowKnobs, live: int, workload: Workload, core: Core) -> float:
    """What an AMD EPYC (Zen 4) adds to the cost of one row of the window; fitted to V3-Large and V3-Small."""
    # Inputs that no register is left for are read once more.
    row += max(0, live - core.vector_registers)
    # The first and the last tile of a row of outputs have code of their own, and the wider the more.
    return row * 1.15 if WIDE_COLUMNS < tile.columns < workload.out_width else row


def pack(weights: Mapping[str, Array], workload: Workload, knobs: WindowKnobs) -> list[Array]:
    """Weight ``(C, k, k, 1)`` into ``(tiles, rows, k, vectors, lanes)``, bias into ``(tiles, vectors, lanes)``."""
    channels = pack_columns(workload, knobs)
    weight = weights["weight"].reshape(workload.in_channels, workload.kernel, workload.kernel)
    packed = [np.ascontiguousarray(with_zero_row(workload, weight, 1)[channels].transpose(0, 3, 4, 1, 2))]
    if "bias" in workload.epilogue:
        packed.append(np.ascontiguousarray(sums.packed_bias(weights["bias"], workload)[:, channels]))
    return packed


TEMPLATE = Template(
    operator="depthwise",
    version=1,
    knobs_type=WindowKnobs,
    serves=lambda workload: workload.layout == "nhwc" and not workload.prologue and "add" not in workload.epilogue,
    compute=compute,
    schedule=schedule,
    knobs=knobs,
    default=default,
    pack=pack,
    reference=reference,
)
