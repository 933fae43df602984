"""What convolutions with a window share: knobs, register tiles of output columns, and rows and columns beyond the edge.

The input is never copied into a padded one. A tap beyond the top or bottom edge reads the nearest row and multiplies it
by a row of zeros that is packed behind the weights, so that no tile has a branch for it. A tap beyond the left or right
edge is a zero; only the first and the last tile of columns ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tvm_mnv3.compat import Expr, Schedule, T, tirx
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import tiles
from .template import Array


@dataclass(frozen=True)
class WindowKnobs:
    """Knobs of a convolution with a window.

    Parameters
    ----------
    columns, vectors, lanes
        The register tile: output columns of one row, vectors of channels, elements in a vector.
    order
        Of a depthwise convolution: ``rows``, each with all its channels before the next. Or of all rows of a range of
        tasks a part, before the next: ``strips`` of columns, with all channels, or blocks of ``channels``.
    """

    columns: int
    vectors: int
    lanes: int
    order: str = "rows"


def source_row(workload: Workload, out_row: Expr, tap: Expr) -> Expr:
    """The input's row that a tap of an output row reads: the nearest one where the tap is beyond the edge."""
    row = out_row * workload.stride + tap - workload.padding[0]
    if workload.padding[0] == 0 and workload.padding[2] == 0:
        return row
    return tirx.max(tirx.min(row, workload.height - 1), 0)


def weight_row(workload: Workload, out_row: Expr, tap: Expr) -> Expr:
    """The row of weights that belongs to `source_row`: the zeros behind the last where the tap is beyond the edge."""
    row = out_row * workload.stride + tap - workload.padding[0]
    if workload.padding[0] == 0 and workload.padding[2] == 0:
        return tap
    return tirx.Select(tirx.all(row >= 0, row < workload.height), tap, tirx.const(workload.kernel, "int32"))


def weight_rows(workload: Workload) -> int:
    """Rows of packed weights: the window's, and the zeros behind them where some tap can be beyond the edge."""
    return workload.kernel + (workload.padding[0] != 0 or workload.padding[2] != 0)


def source_column(workload: Workload, out_column: Expr, tap: Expr) -> Expr:
    """The input's column that a tap of an output column reads; beyond the edge where it is no column of the input."""
    return out_column * workload.stride + tap - workload.padding[1]


def or_zero(workload: Workload, column: Expr, value: Expr) -> Expr:
    """`value`, read at that column of the input, or zero where the column is beyond the edge.

    Where no column can be beyond the edge, nothing asks.
    """
    if workload.padding[1] == 0 and workload.padding[3] == 0:
        return value
    inside = tirx.all(column >= 0, column < workload.width)
    return T.if_then_else(inside, value, tirx.const(0.0, workload.dtype))


def without_edges(sch: Schedule, tile_loop: Any) -> None:
    """Let the lowering split the loop over tiles of columns: only its first and last tile ask as `or_zero` does."""
    sch.annotate(tile_loop, "pragma_loop_partition_hint", 1)


def register_tiles(workload: Workload, core: Core, *, exact: bool) -> list[WindowKnobs]:
    """Every tile whose sums fit into the registers beside one row of the window's weights and an input.

    `exact`: only columns that divide the output's width, for kernels that must see each output once.
    """
    lanes = tiles.fitting_lanes(workload.out_channels, core.lanes(workload.dtype))
    width = workload.out_width
    space = []
    for vectors in range(1, min(4, tiles.count(workload.out_channels, lanes)) + 1):
        columns = tiles.divisors(width, 14) if exact else range(1, min(width, 14) + 1)
        fitting = [c for c in columns if _registers(workload, core, c, vectors) <= core.vector_registers]
        space += [WindowKnobs(count, vectors, lanes) for count in fitting or [1]]
    return space


def _registers(workload: Workload, core: Core, columns: int, vectors: int) -> int:
    """Registers of a tile: its sums, the weights of one row or one tap, and the inputs they meet.

    x86 reads an input value and spreads it as an operand of the multiply-add; ARM keeps it in a register.
    """
    sums = columns * vectors
    if workload.operator == "depthwise":
        return sums + (workload.kernel + 2) * vectors
    return sums + vectors + (columns if core.isa == "aarch64" else 1)


def pack_columns(workload: Workload, knobs: WindowKnobs) -> Array:
    """The output channel in every lane, shape ``(tiles, vectors, lanes)``."""
    return tiles.columns(workload.out_channels, knobs.vectors, knobs.lanes)


def with_zero_row(workload: Workload, weight: Array, axis: int) -> Array:
    """The weights with the row of zeros of `weight_rows` behind the window's rows, which lie on that axis."""
    extra = weight_rows(workload) - workload.kernel
    return np.pad(weight, [(0, extra if a == axis else 0) for a in range(weight.ndim)])
