"""Matrix product of scaled rows with two panels: the next tile's rows are scaled while this one's are multiplied.

A panel of scaled rows that is filled before a tile's sums begin waits for its rows out of the second-level cache, and
the multiply-adds wait for it: a tenth of the time from 672 to 112 channels on 14x14. With two panels, every step of k
puts a vector of the next tile's rows into the other one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tvm_mnv3.compat import Expr, Schedule, T, tirx
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import sums, tiles
from .epilogue import activate
from .gemm_knobs import GemmKnobs, Sizes, again, k_of_step
from .read_ahead import read_ahead_by_steps
from .template import TASK, without


@dataclass(frozen=True)
class Panels:
    """Two panels of a tile's scaled rows, filled by vectors.

    Parameters
    ----------
    rows, lanes
        Of the tile, of a vector.
    size
        Of the product.
    """

    rows: int
    lanes: int
    size: Sizes

    @property
    def shape(self) -> tuple[int, int, int]:
        """Panels, rows, k."""
        return (2, self.rows, self.size.k)

    @property
    def across(self) -> int:
        """Vectors of a row."""
        return tiles.count(self.size.k, self.lanes)

    def first_k(self, vector: Expr) -> Expr:
        """Of a vector of a row: the last one is moved back."""
        return tiles.start(vector, self.size.k, self.lanes)

    def scaled(self, data: Any, scale: Any, mt: Expr, mi: Expr, k: Expr) -> Expr:
        """Of the tile's row."""
        row = tiles.start(mt, self.size.m, self.rows) + mi
        return data[row, k] * scale[row // self.size.pixels, k]

    def following(self, mt: Expr) -> Expr:
        """The tile of rows after that one, if there is one."""
        return tirx.min(mt + 1, tiles.count(self.size.m, self.rows) - 1)


@T.macro
def fill(panels: Any, ready: Any, data: Any, scale: Any, mt: Any, of: Panels) -> None:
    """Fill the panel of the tile `mt`, if `ready` does not say that it has been filled while the one before ran."""
    if ready[0] != mt:
        for mi, vector in T.grid(of.rows, of.across):
            for e in T.vectorized(of.lanes):
                panels[mt % 2, mi, of.first_k(vector) + e] = of.scaled(data, scale, mt, mi, of.first_k(vector) + e)
    ready[0] = mt + 1


@T.macro
def fill_next(panels: Any, data: Any, scale: Any, mt: Any, step: Any, of: Panels) -> None:
    """Put a vector into the panel of the tile after `mt`, in each of the first steps."""
    if step < of.rows * of.across:
        for e in T.vectorized(of.lanes):
            panels[(mt + 1) % 2, step // of.across, of.first_k(step % of.across) + e] = of.scaled(
                data, scale, of.following(mt), step // of.across, of.first_k(step % of.across) + e
            )


def compute(workload: Workload, knobs: GemmKnobs) -> tirx.PrimFunc:
    """The kernel with the operands of `gemm.compute`, in loops as they run."""
    size = Sizes.of(workload)
    M, N, K = size.m, size.n, size.k
    rows, V, L = knobs.rows, knobs.vectors, knobs.lanes
    MT, NT, U = tiles.count(M, rows), tiles.count(N, V * L), k_of_step(workload, knobs)
    steps, panels_of = K // U, Panels(rows, L, size)
    dtype, activation = workload.dtype, workload.activation
    biased, added = (part in workload.epilogue for part in ("bias", "add"))
    skipped = again(workload, knobs)
    shorter, vectors = ({tiles.TILES: 1}, {tiles.AGAIN: skipped}) if skipped else ({}, {})

    def row(mt: Expr, mi: Expr) -> Expr:
        return tiles.start(mt, M, rows) + mi

    def column(nt: Expr, v: Expr) -> Expr:
        return tiles.column(nt, v, N, V, L)

    def value(total: Any, mi: Expr, v: Expr, e: Expr, bias: Any, nt: Expr) -> Expr:
        whole = sums.whole([total[mi, v, e]], bias if biased else None, (nt, v, e), workload)
        return activate(whole, activation, dtype)

    residual_shape = (M, N) if added else (1, 1)
    bias_shape = (sums.bias_parts(workload), NT, V, L) if biased else (1, 1, 1, 1)

    @T.prim_func(s_tir=True)
    def gemm(
        data: T.Buffer((M, K), dtype),
        scale: T.Buffer((workload.batch, K), dtype),
        residual: T.Buffer(residual_shape, dtype),
        weight: T.Buffer((NT, K, V, L), workload.stored_dtype),
        bias: T.Buffer(bias_shape, dtype),
        ahead: T.Buffer((1,), dtype),
        output: T.Buffer((M, N), dtype),
    ) -> None:
        T.func_attr({"tirx.noalias": True})
        panels = T.alloc_buffer(panels_of.shape, dtype, scope="local")
        # The tile that the other panel was filled for: none at the beginning of a range of tasks.
        ready = T.alloc_buffer((1,), "int32", scope="local")
        ready[0] = -1
        for mt in T.serial(MT, annotations={TASK: 1}):
            fill(panels, ready, data, scale, mt, panels_of)
            for nt in T.serial(NT, annotations=shorter):
                total = T.alloc_buffer((rows, V, L), dtype, scope="local")
                for mi in T.unroll(rows):
                    for v in T.unroll(V, annotations=vectors):
                        for e in T.vectorized(L):
                            total[mi, v, e] = sums.first_term(bias if biased else None, (nt, v, e), workload)
                for k in T.serial(steps):
                    with T.sblock("step"):
                        T.reads()
                        T.writes()
                        fill_next(panels, data, scale, mt, nt * steps + k, panels_of)
                        for ki in T.unroll(U):
                            for mi in T.unroll(rows):
                                for v in T.unroll(V, annotations=vectors):
                                    for e in T.vectorized(L):
                                        total[mi, v, e] = total[mi, v, e] + panels[mt % 2, mi, k * U + ki] * T.cast(
                                            weight[nt, k * U + ki, v, e], dtype
                                        )
                for mi in T.unroll(rows):
                    for v in T.unroll(V, annotations=vectors):
                        for e in T.vectorized(L):
                            output[row(mt, mi), column(nt, v) + e] = (
                                value(total, mi, v, e, bias, nt) + residual[row(mt, mi), column(nt, v) + e]
                                if added
                                else value(total, mi, v, e, bias, nt)
                            )

    return without(gemm, [index for index, gone in zip((2, 4), (not added, not biased), strict=True) if gone])


def schedule(sch: Schedule, workload: Workload, knobs: GemmKnobs, core: Core) -> None:
    """Annotate the loop over steps of k with what it reads ahead."""
    multiply_adds = k_of_step(workload, knobs) * knobs.rows * knobs.vectors
    read_ahead_by_steps(sch, workload, core, multiply_adds)
