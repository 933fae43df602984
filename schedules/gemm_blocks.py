"""Matrix product by blocks of k: where few rows pass many weights.

On 7x7 a projection from 960 to 160 channels multiplies each weight 49 times, but reads all 0.6 MB of them once per tile
of rows, and the first time from the last cache. Here all rows pass one block of a panel of weights, which stays in the
first-level cache, before they pass the next; meanwhile that one is fetched. Between two blocks the sums wait on the
stack. They are added up in the same order as `tvm_mnv3.schedules.gemm` does it, to the same bits.

An expansion from 160 to 960 there passes all its rows, 31 KB, again and again by panels of weights as large: with both
in blocks the first-level cache has room for them.
"""

from __future__ import annotations

from math import ceil, gcd
from typing import Any

import numpy as np

from tvm_mnv3.compat import Expr, Schedule, T, tirx
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import sums, tiles
from .epilogue import activate
from .gemm_knobs import UNROLL, GemmKnobs, Sizes, own_lines
from .read_ahead import LINE, fetch, read_ahead_by_steps
from .template import TASK, without


def compute(workload: Workload, knobs: GemmKnobs) -> tirx.PrimFunc:
    """The kernel with the operands of `gemm.compute`, in loops as they run.

    A sum that goes on in the next round of an outer loop is no reduction that a schedule could make from one block.
    """
    size = Sizes.of(workload)
    M, N, K = size.m, size.n, size.k
    rows, V, L, S = knobs.rows, knobs.vectors, knobs.lanes, size.k // knobs.blocks
    MT, NT, C = tiles.count(M, rows), tiles.count(N, V * L), gcd(S, L)
    dtype = workload.dtype
    scaled, biased, added = (part in (*workload.prologue, *workload.epilogue) for part in ("scale", "bias", "add"))
    block_bytes = S * V * L * np.dtype(workload.stored_dtype).itemsize
    lines = ceil(own_lines(workload, knobs, UNROLL))

    def row(mt: Expr, mi: Expr) -> Expr:
        return tiles.start(mt, M, rows) + mi

    def column(nt: Expr, v: Expr) -> Expr:
        return tiles.column(nt, v, N, V, L)

    def value(total: Expr, bias: Any, at: tuple[Expr, ...]) -> Expr:
        return activate(sums.whole([total], bias if biased else None, at, workload), workload.activation, dtype)

    def fetched(weight: Any, block: Expr, turn: Expr, line: int) -> Expr:
        """A part of the block after this one; after the last, of what lies behind the weights."""
        return fetch(weight.data, (block + 1) * block_bytes + (turn * lines + line) * LINE)

    scale_shape = (workload.batch, K) if scaled else (1, 1)
    residual_shape = (M, N) if added else (1, 1)
    bias_shape = (sums.bias_parts(workload), NT, V, L) if biased else (1, 1, 1, 1)

    @T.prim_func(s_tir=True)
    def gemm(
        data: T.Buffer((M, K), dtype),
        scale: T.Buffer(scale_shape, dtype),
        residual: T.Buffer(residual_shape, dtype),
        weight: T.Buffer((NT, K, V, L), workload.stored_dtype),
        bias: T.Buffer(bias_shape, dtype),
        ahead: T.Buffer((1,), dtype),
        output: T.Buffer((M, N), dtype),
    ) -> None:
        T.func_attr({"tirx.noalias": True})
        for nt in T.serial(NT, annotations={TASK: 1}):
            kept = T.alloc_buffer((MT, rows, V, L), dtype, scope="local")
            for b, mt in T.grid(knobs.blocks, MT):
                panel = T.alloc_buffer((rows, S), dtype, scope="local")
                total = T.alloc_buffer((rows, V, L), dtype, scope="local")
                if scaled:
                    for mi, c in T.grid(rows, S // C):
                        for e in T.vectorized(C):
                            panel[mi, c * C + e] = (
                                data[row(mt, mi), b * S + c * C + e]
                                * scale[row(mt, mi) // size.pixels, b * S + c * C + e]
                            )
                if b == 0:
                    for mi in T.unroll(rows):
                        for v in T.unroll(V):
                            for e in T.vectorized(L):
                                total[mi, v, e] = sums.first_term(bias if biased else None, (nt, v, e), workload)
                else:
                    for mi in T.unroll(rows):
                        for v in T.unroll(V):
                            for e in T.vectorized(L):
                                total[mi, v, e] = kept[mt, mi, v, e]
                for k in T.serial(S // UNROLL):
                    with T.sblock("step"):
                        T.reads()
                        T.writes()
                        for line in T.unroll(lines):
                            T.evaluate(fetched(weight, nt * knobs.blocks + b, mt * (S // UNROLL) + k, line))
                        for ki in T.unroll(UNROLL):
                            for mi in T.unroll(rows):
                                for v in T.unroll(V):
                                    for e in T.vectorized(L):
                                        total[mi, v, e] = total[mi, v, e] + (
                                            panel[mi, k * UNROLL + ki]
                                            if scaled
                                            else data[row(mt, mi), b * S + k * UNROLL + ki]
                                        ) * T.cast(weight[nt, b * S + k * UNROLL + ki, v, e], dtype)
                if b == knobs.blocks - 1:
                    for mi in T.unroll(rows):
                        for v in T.unroll(V):
                            for e in T.vectorized(L):
                                output[row(mt, mi), column(nt, v) + e] = (
                                    value(total[mi, v, e], bias, (nt, v, e)) + residual[row(mt, mi), column(nt, v) + e]
                                    if added
                                    else value(total[mi, v, e], bias, (nt, v, e))
                                )
                else:
                    for mi in T.unroll(rows):
                        for v in T.unroll(V):
                            for e in T.vectorized(L):
                                kept[mt, mi, v, e] = total[mi, v, e]

    unused = [index for index, gone in zip((1, 2, 4), (not scaled, not added, not biased), strict=True) if gone]
    return without(gemm, unused)


def schedule(sch: Schedule, workload: Workload, knobs: GemmKnobs, core: Core) -> None:
    """Annotate the loop over steps of k with what it reads ahead.

    Behind an expansion come the weights of a squeeze-excite block, many times its own; behind a projection those of
    one expansion.
    """
    own = 0 if knobs.panel else own_lines(workload, knobs, UNROLL)
    read_ahead_by_steps(sch, workload, core, UNROLL * knobs.rows * knobs.vectors, own)
