"""Matrix product whose vectors hold pairs of k (`pairs`): where channels fill wide ones only to a part.

24 and 40 channels are projections of many rows by few weights. One of a channel's two sums begins with the residual,
the other one with the bias, so that the end of a tile has nothing to add but these two. 16 channels are one vector, for
whose every multiply-add a value of A would have to be read; of pairs they are two, which share it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tvm_mnv3.compat import Expr, Schedule, T, tirx
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import gemm_panels, pairs, tiles
from .epilogue import activate
from .gemm_knobs import GemmKnobs, Sizes, again, k_of_step
from .pairs import PAIR
from .read_ahead import read_ahead_by_steps
from .template import TASK, Array, without


def compute(workload: Workload, knobs: GemmKnobs) -> tirx.PrimFunc:
    """The kernel with the operands of `gemm.compute`, in loops as they run.

    Weights are packed into panels ``[tile of n][pair of k][vector][lane]``. Of an odd number of vectors the first one
    stands alone, the others are across.

    Raises
    ------
    ValueError
        Rows of A are to be scaled as they are used, or a residual is to be added behind an activation.
    """
    size = Sizes.of(workload)
    M, N, K = size.m, size.n, size.k // PAIR
    rows, V, L, H, width = knobs.rows, knobs.vectors, knobs.lanes, knobs.channels, knobs.width
    MT, NT, W, A = tiles.count(M, rows), tiles.count(N, width), V // PAIR, V % PAIR
    U = k_of_step(workload, knobs) // PAIR
    scaled, biased, added = (part in (*workload.prologue, *workload.epilogue) for part in ("scale", "bias", "add"))
    scaled_rows, scaled_weights = (scaled and knobs.scaled == what for what in ("ahead", "weights"))
    if (scaled and knobs.scaled == "rows") or (added and workload.activation is not None):
        raise ValueError(f"{knobs} cannot compute {workload.name}: see `gemm_space`")
    panels_of = gemm_panels.Panels(rows, L, size)
    skipped = again(workload, knobs)
    shorter, vectors = ({tiles.TILES: 1}, {tiles.AGAIN: skipped}) if skipped else ({}, {})
    # As in `gemm.schedule`.
    turn = {} if workload.activation == "hswish" or skipped else {tiles.IN_TURN: 1}

    def row(mt: Expr, mi: Expr) -> Expr:
        return tiles.start(mt, M, rows) + mi

    def column(nt: Expr, channel: Expr) -> Expr:
        return tiles.start(nt, N, width) + channel

    def residual_at(residual: Any, at: tuple[Expr, Expr], channel: Any, count: int) -> Expr:
        mr, nt = at
        return residual[mr, T.Ramp(column(nt, channel), 1, count)] if added else pairs.zeros(count)

    def bias_at(bias: Any, nt: Expr, channel: Any, count: int) -> Expr:
        return bias[0, nt, T.Ramp(channel, 1, count)] if biased else pairs.zeros(count)

    def activated(sums: Expr) -> Expr:
        return activate(sums, workload.activation, f"float32x{L}")

    def across(total: Any, mi: Expr, w: Expr) -> Expr:
        first, second = (total[mi, A + w * PAIR + part, T.Ramp(0, 1, L)] for part in range(PAIR))
        return activated(first + pairs.exchanged(second, L))

    def parted(total: Any, mi: Expr, a: Expr, which: int) -> Expr:
        first, second = (total[each, a, T.Ramp(0, 1, L)] for each in (mi - 1, mi))
        return pairs.half_of(activated(pairs.joined(first, second, L)), which, L)

    @T.prim_func(s_tir=True)
    def gemm(
        data: T.Buffer((M, size.k), "float32"),
        scale: T.Buffer((workload.batch, size.k) if scaled else (1, 1), "float32"),
        residual: T.Buffer((M, N) if added else (1, 1), "float32"),
        weight: T.Buffer((NT, K, V, L), workload.stored_dtype),
        bias: T.Buffer((1, NT, width) if biased else (1, 1, 1), "float32"),
        ahead: T.Buffer((1,), "float32"),
        output: T.Buffer((M, N), "float32"),
    ) -> None:
        T.func_attr({"tirx.noalias": True})
        panels = T.alloc_buffer(panels_of.shape if scaled_rows else (1, 1, 1), "float32", scope="local")
        ready = T.alloc_buffer((1,), "int32", scope="local")
        factors = T.alloc_buffer((NT, K, V, L) if scaled_weights else (1, 1, 1, 1), "float32", scope="local")
        if scaled_rows:
            ready[0] = -1
        if scaled_weights:
            for nt, k, v in T.grid(NT, K, V):
                for e in T.vectorized(L):
                    factors[nt, k, v, e] = T.cast(weight[nt, k, v, e], "float32") * scale[0, k * PAIR + e % PAIR]
        for mt in T.serial(MT, annotations={TASK: 1}):
            if scaled_rows:
                gemm_panels.fill(panels, ready, data, scale, mt, panels_of)
            for nt in T.serial(NT, annotations=shorter):
                total = T.alloc_buffer((rows, V, L), "float32", scope="local")
                for mi in T.unroll(rows):
                    for a in T.unroll(A, annotations=vectors):
                        total[mi, a, T.Ramp(0, 1, L)] = pairs.interleaved(
                            residual_at(residual, (row(mt, mi), nt), 0, H), bias_at(bias, nt, 0, H), L
                        )
                    for w in T.unroll(W):
                        total[mi, A + w * PAIR, T.Ramp(0, 1, L)] = residual_at(
                            residual, (row(mt, mi), nt), A * H + w * L, L
                        )
                        total[mi, A + w * PAIR + 1, T.Ramp(0, 1, L)] = pairs.exchanged(
                            bias_at(bias, nt, A * H + w * L, L), L
                        )
                for k in T.serial(K // U):
                    with T.sblock("step"):
                        T.reads()
                        T.writes()
                        if scaled_rows:
                            gemm_panels.fill_next(panels, data, scale, mt, nt * (K // U) + k, panels_of)
                        for c in T.unroll(U):
                            for mi in T.unroll(rows, annotations=turn):
                                for v in T.unroll(V, annotations=vectors):
                                    for e in T.vectorized(L):
                                        total[mi, v, e] = total[mi, v, e] + (
                                            panels[mt % 2, mi, (k * U + c) * PAIR + e % PAIR]
                                            if scaled_rows
                                            else data[row(mt, mi), (k * U + c) * PAIR + e % PAIR]
                                        ) * (
                                            factors[nt, k * U + c, v, e]
                                            if scaled_weights
                                            else T.cast(weight[nt, k * U + c, v, e], "float32")
                                        )
                for mi in T.unroll(rows, annotations=turn):
                    for w in T.unroll(W):
                        output[row(mt, mi), T.Ramp(column(nt, A * H + w * L), 1, L)] = across(total, mi, w)
                    for a in T.unroll(A, annotations=vectors):
                        if pairs.ends_couple(mi, rows):
                            output[row(mt, mi - 1), T.Ramp(column(nt, 0), 1, H)] = parted(total, mi, a, 0)
                            output[row(mt, mi), T.Ramp(column(nt, 0), 1, H)] = parted(total, mi, a, 1)

    unused = [not scaled, not added, not biased]
    return without(gemm, [index for index, gone in zip((1, 2, 4), unused, strict=True) if gone])


def schedule(sch: Schedule, workload: Workload, knobs: GemmKnobs, core: Core) -> None:
    """Annotate the loop over steps of k with what it reads ahead."""
    read_ahead_by_steps(sch, workload, core, k_of_step(workload, knobs) // PAIR * knobs.rows * knobs.vectors)


def pack(tile: Array, knobs: GemmKnobs) -> Array:
    """Weights ``(tiles, K, width)`` into panels ``(tiles, K / 2, vectors, lanes)``."""
    (NT, K, _), W, A = tile.shape, knobs.vectors // PAIR, knobs.vectors % PAIR
    first, others = np.split(tile, [A * knobs.channels], axis=2)
    alone = pairs.packed_alone(first.reshape(NT, K, A, knobs.channels))
    across = pairs.packed_across(others.reshape(NT, K, W, knobs.lanes)).reshape(NT, K // PAIR, W * PAIR, knobs.lanes)
    return np.ascontiguousarray(np.concatenate([alone, across], axis=2))
