"""Matrix product of scaled rows with two panels: the next tile's rows are scaled while this one's are multiplied.

A panel of scaled rows that is filled before a tile's sums begin waits for its rows out of the second-level cache, and
the multiply-adds wait for it: a tenth of the time from 672 to 112 channels on 14x14. With two panels, every step of k
puts a vector of the next tile's rows into the other one.
"""

from __future__ import annotations

from math import gcd
from typing import Any

from tvm_mnv3.compat import Expr, Schedule, T, tirx
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import sums, tiles
from .epilogue import activate
from .gemm_knobs import UNROLL, GemmKnobs, Sizes
from .read_ahead import read_ahead_by_steps
from .template import TASK, without


def compute(workload: Workload, knobs: GemmKnobs) -> tirx.PrimFunc:
    """The kernel with the operands of `gemm.compute`, in loops as they run."""
    size = Sizes.of(workload)
    M, N, K = size.m, size.n, size.k
    rows, V, L, C, P = knobs.rows, knobs.vectors, knobs.lanes, knobs.channels, knobs.depth
    MT, NT, U = tiles.count(M, rows), tiles.count(N, V * C), gcd(K // P, UNROLL)
    steps, across = K // P // U, tiles.count(K, L)
    dtype, activation = workload.dtype, workload.activation
    biased, added = (part in workload.epilogue for part in ("bias", "add"))
    again = tiles.again(N, V, C)
    shorter, vectors = ({tiles.TILES: 1}, {tiles.AGAIN: again}) if again else ({}, {})

    def row(mt: Expr, mi: Expr) -> Expr:
        return tiles.start(mt, M, rows) + mi

    def column(nt: Expr, v: Expr) -> Expr:
        return tiles.column(nt, v, N, V, C)

    def scaled(data: Any, scale: Any, at: Expr, k: Expr) -> Expr:
        return data[at, k] * scale[at // size.pixels, k]

    def first(bias: Any, at: tuple[Expr, ...]) -> Expr:
        return sums.first_term(bias if biased and not knobs.pairs else None, at, workload)

    def value(total: Any, mi: Expr, v: Expr, e: Expr, bias: Any, nt: Expr) -> Expr:
        term, at = bias if biased else None, (nt, v, e)
        if knobs.pairs:
            return activate(sums.of_pair(total[mi, v, e * P], total[mi, v, e * P + 1], term, at), activation, dtype)
        return activate(sums.whole([total[mi, v, e]], term, at, workload), activation, dtype)

    residual_shape = (M, N) if added else (1, 1)
    bias_shape = (sums.bias_parts(workload), NT, V, C) if biased else (1, 1, 1, 1)

    @T.prim_func(s_tir=True)
    def gemm(
        data: T.Buffer((M, K), dtype),
        scale: T.Buffer((workload.batch, K), dtype),
        residual: T.Buffer(residual_shape, dtype),
        weight: T.Buffer((NT, K // P, V, L), workload.stored_dtype),
        bias: T.Buffer(bias_shape, dtype),
        ahead: T.Buffer((1,), dtype),
        output: T.Buffer((M, N), dtype),
    ) -> None:
        T.func_attr({"tirx.noalias": True})
        panels = T.alloc_buffer((2, rows, K), dtype, scope="local")
        # The tile that the other panel was filled for: none at the beginning of a range of tasks.
        ready = T.alloc_buffer((1,), "int32", scope="local")
        ready[0] = -1
        for mt in T.serial(MT, annotations={TASK: 1}):
            if ready[0] != mt:
                for mi, c in T.grid(rows, across):
                    for e in T.vectorized(L):
                        panels[mt % 2, mi, tiles.start(c, K, L) + e] = scaled(
                            data, scale, row(mt, mi), tiles.start(c, K, L) + e
                        )
            ready[0] = mt + 1
            for nt in T.serial(NT, annotations=shorter):
                total = T.alloc_buffer((rows, V, L), dtype, scope="local")
                for mi in T.unroll(rows):
                    for v in T.unroll(V, annotations=vectors):
                        for e in T.vectorized(L):
                            total[mi, v, e] = first(bias, (nt, v, e))
                for k in T.serial(steps):
                    with T.sblock("step"):
                        T.reads()
                        T.writes()
                        if nt * steps + k < rows * across:
                            for e in T.vectorized(L):
                                panels[
                                    (mt + 1) % 2,
                                    (nt * steps + k) // across,
                                    tiles.start((nt * steps + k) % across, K, L) + e,
                                ] = scaled(
                                    data,
                                    scale,
                                    row(tirx.min(mt + 1, MT - 1), (nt * steps + k) // across),
                                    tiles.start((nt * steps + k) % across, K, L) + e,
                                )
                        for ki in T.unroll(U):
                            for mi in T.unroll(rows):
                                for v in T.unroll(V, annotations=vectors):
                                    for e in T.vectorized(L):
                                        total[mi, v, e] = total[mi, v, e] + panels[
                                            mt % 2, mi, (k * U + ki) * P + e % P
                                        ] * T.cast(weight[nt, k * U + ki, v, e], dtype)
                for mi in T.unroll(rows):
                    for v in T.unroll(V, annotations=vectors):
                        for e in T.vectorized(C):
                            output[row(mt, mi), column(nt, v) + e] = (
                                value(total, mi, v, e, bias, nt) + residual[row(mt, mi), column(nt, v) + e]
                                if added
                                else value(total, mi, v, e, bias, nt)
                            )

    return without(gemm, [index for index, gone in zip((2, 4), (not added, not biased), strict=True) if gone])


def schedule(sch: Schedule, workload: Workload, knobs: GemmKnobs, core: Core) -> None:
    """Annotate the loop over steps of k with what it reads ahead."""
    multiply_adds = gcd(workload.in_channels // knobs.depth, UNROLL) * knobs.rows * knobs.vectors
    read_ahead_by_steps(sch, workload, core, multiply_adds)
