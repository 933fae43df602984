"""Matrix product whose tiles end with half a vector: where channels leave one over.

72 channels are four and a half vectors of 16 lanes. A tile's whole vectors hold a channel in each lane; its last one
holds pairs of k, as all vectors of `GemmKnobs.pairs` do: lanes ``2 n`` and ``2 n + 1`` are the sums over even and odd k
of channel ``n``, and are added at the end. So a row of 72 channels takes nine multiply-adds for every two k, not ten,
and only one vector's sums have to be parted: expansions, which have few k, gain by it, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tvm_mnv3.compat import Expr, Schedule, T, tirx
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import pairs, sums, tiles
from .epilogue import activate
from .gemm_knobs import UNROLL, GemmKnobs, Sizes
from .pairs import PAIR
from .read_ahead import read_ahead_by_steps
from .template import TASK, Array, without


def compute(workload: Workload, knobs: GemmKnobs) -> tirx.PrimFunc:
    """The kernel with the operands of `gemm.compute`, in loops as they run.

    Weights are packed into panels ``[tile of n][pair of k][vector][lane]``: the whole vectors of the even k, those of
    the odd k, and the vector of both. A pair of A is read as one number of 64 bits, after its halves: out of a pair
    that is there already LLVM would take them by shuffles.
    """
    size = Sizes.of(workload)
    M, N, K = size.m, size.n, size.k
    rows, F, L, H, width = knobs.rows, knobs.vectors - 1, knobs.lanes, knobs.lanes // PAIR, knobs.width
    MT, NT, U, V = tiles.count(M, rows), tiles.count(N, width), UNROLL // PAIR, PAIR * F + 1
    biased, added = (part in workload.epilogue for part in ("bias", "add"))
    # As in `gemm.schedule`.
    turn = {} if workload.activation == "hswish" else {tiles.IN_TURN: 1}
    vector = f"float32x{L}"

    def row(mt: Expr, mi: Expr) -> Expr:
        return tiles.start(mt, M, rows) + mi

    def column(nt: Expr, lane: Expr) -> Expr:
        return tiles.start(nt, N, width) + lane

    def first(bias: Any, nt: Expr, lane: Expr) -> Expr:
        return sums.first_term(bias if biased else None, (nt, lane), workload)

    def stored(value: Expr, residual: Any, at: tuple[Expr, Any]) -> Expr:
        value = activate(value, workload.activation, str(value.ty))
        return value + residual[at] if added else value

    def parted(halves: Any, mi: Expr, bias: Any, nt: Expr) -> Expr:
        between = bias[0, nt, T.Ramp(F * L, 1, H)] if biased else pairs.zeros(H)
        return pairs.added(halves[mi, T.Ramp(0, 1, L)], between, L)

    @T.prim_func(s_tir=True)
    def gemm(
        data: T.Buffer((M, K), "float32"),
        residual: T.Buffer((M, N) if added else (1, 1), "float32"),
        weight: T.Buffer((NT, K // PAIR, V, L), workload.stored_dtype),
        bias: T.Buffer((1, NT, width) if biased else (1, 1, 1), "float32"),
        ahead: T.Buffer((1,), "float32"),
        output: T.Buffer((M, N), "float32"),
    ) -> None:
        T.func_attr({"tirx.noalias": True})
        data_pairs = T.decl_buffer((M, K // PAIR), "float64", data=data.data)
        for mt in T.serial(MT, annotations={TASK: 1}):
            for nt in T.serial(NT):
                total = T.alloc_buffer((rows, F, L), "float32", scope="local")
                halves = T.alloc_buffer((rows, L), "float32", scope="local")
                for mi in T.unroll(rows):
                    for v in T.unroll(F):
                        for e in T.vectorized(L):
                            total[mi, v, e] = first(bias, nt, v * L + e)
                    halves[mi, T.Ramp(0, 1, L)] = pairs.zeros(L)
                for k in T.serial(K // UNROLL):
                    with T.sblock("step"):
                        T.reads()
                        T.writes()
                        for c in T.unroll(U):
                            for part in T.unroll(PAIR):
                                for mi in T.unroll(rows):
                                    for v in T.unroll(F):
                                        for e in T.vectorized(L):
                                            total[mi, v, e] = total[mi, v, e] + data[
                                                row(mt, mi), k * UNROLL + c * PAIR + part
                                            ] * T.cast(weight[nt, k * U + c, part * F + v, e], "float32")
                            for mi in T.unroll(rows, annotations=turn):
                                halves[mi, T.Ramp(0, 1, L)] = halves[mi, T.Ramp(0, 1, L)] + T.reinterpret(
                                    vector, T.Broadcast(data_pairs[row(mt, mi), k * U + c], H)
                                ) * T.Cast(vector, weight[nt, k * U + c, PAIR * F, T.Ramp(0, 1, L)])
                for mi in T.unroll(rows, annotations=turn):
                    for v in T.unroll(F):
                        for e in T.vectorized(L):
                            output[row(mt, mi), column(nt, v * L + e)] = stored(
                                total[mi, v, e], residual, (row(mt, mi), column(nt, v * L + e))
                            )
                    output[row(mt, mi), T.Ramp(column(nt, F * L), 1, H)] = stored(
                        parted(halves, mi, bias, nt), residual, (row(mt, mi), T.Ramp(column(nt, F * L), 1, H))
                    )

    return without(gemm, [index for index, gone in zip((1, 3), (not added, not biased), strict=True) if gone])


def schedule(sch: Schedule, workload: Workload, knobs: GemmKnobs, core: Core) -> None:
    """Annotate the loop over steps of k with what it reads ahead."""
    multiply_adds = UNROLL // PAIR * knobs.rows * (PAIR * knobs.vectors - 1)
    read_ahead_by_steps(sch, workload, core, multiply_adds)


def pack(tile: Array, knobs: GemmKnobs) -> Array:
    """Weights ``(tiles, K, width)`` into panels ``(tiles, K / 2, 2 * vectors - 1, lanes)``."""
    whole = (knobs.vectors - 1) * knobs.lanes
    even, odd, halves = tile[:, 0::PAIR, :whole], tile[:, 1::PAIR, :whole], pairs.packed_alone(tile[..., whole:])
    packed = np.concatenate([even, odd, halves], axis=2)
    return np.ascontiguousarray(packed.reshape(*packed.shape[:2], PAIR * knobs.vectors - 1, knobs.lanes))
