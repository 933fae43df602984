"""The space of a matrix product's register tiles: which knobs a workload can have on a core."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import tiles
from .gemm_knobs import UNROLL, GemmKnobs, Sizes, k_of_step
from .pairs import PAIR
from .template import as_numpy_dtype

#: A panel of scaled rows is a buffer on the stack of whatever thread runs the task (musl gives 128 KB).
PANEL_BYTES = 32 * 1024
#: Scaled weights are one, too. From 240 to 40 channels on 14x14, 38 KB, they save 7 % of the time.
SCALED_BYTES = 40 * 1024
#: Part of the first-level cache that a block of weights may fill: with a half V3-Large takes 0.5 % longer.
BLOCK_SHARE = 2 / 3
#: Registers that a tile of pairs needs beside its sums, for it ends with an exchange of lanes: of 9 x 3 or 14 x 2 sums
#: some would wait on the stack.
OTHER_REGISTERS = 6


def knobs(workload: Workload, core: Core) -> list[GemmKnobs]:
    """Every register tile that fits, in both orders, with and without a panel, with both ways to read A, and with all
    that a scale can be multiplied into."""
    size, space = Sizes.of(workload), []
    for tile in register_tiles(workload, core):
        if tile.half or tile.pairs:
            space += as_pairs(tile, workload, core)
            continue
        space += [replace(tile, order=order) for order in orders(tile, size)]
        space += in_blocks(replace(tile, order="columns"), workload, core)
        if panel_fits(tile, workload) and (tile.rows < size.m or "scale" in workload.prologue):
            space.append(replace(tile, panel=True))
        space += ahead(tile, workload, core)
        space += with_scaled_weights(tile, workload)
    return space


def as_pairs(tile: GemmKnobs, workload: Workload, core: Core) -> list[GemmKnobs]:
    """What a tile with pairs of k can be: as it is, or for a scale with that in the next tile's rows or the weights."""
    if "scale" not in workload.prologue:
        return [tile]
    return [*ahead(tile, workload, core), *with_scaled_weights(tile, workload)]


def orders(tile: GemmKnobs, size: Sizes) -> tuple[str, ...]:
    """The orders that a tile can have.

    With one tile of rows they differ in nothing but that "rows" makes a single task of them all. Pairs are for
    products of which many rows pass few weights.
    """
    if tile.pairs or tile.half:
        return ("rows",)
    return ("rows", "columns") if tile.rows < size.m else ("columns",)


def in_blocks(tile: GemmKnobs, workload: Workload, core: Core) -> list[GemmKnobs]:
    """The tile with as few blocks of k as fill no more than `BLOCK_SHARE` of the first-level cache.

    A block is of a panel of weights, and of all rows where they are read as they are; scaled ones are copied tile by
    tile. None where the cache has room for all of k, or not even for the rows; where the sums between two blocks take
    too much of the stack; and where rows are read by vectors, which `gemm_blocks` does not do: ARM's cores have not
    been seen to wait for weights.
    """
    size, itemsize = Sizes.of(workload), as_numpy_dtype(workload).itemsize
    if workload.operator != "pointwise" or tile.order != "columns" or tile.rows == size.m or core.isa != "x86_64":
        return []
    scaled, width = "scale" in workload.prologue, tile.vectors * tile.lanes
    row_bytes = 0 if scaled else size.m * itemsize
    bytes_of_k = row_bytes + width * np.dtype(workload.stored_dtype).itemsize
    sums_bytes = tiles.count(size.m, tile.rows) * tile.rows * width * itemsize
    rows_fit, all_fit = (size.k * each <= core.l1_data_bytes for each in (row_bytes, bytes_of_k))
    if sums_bytes > PANEL_BYTES or all_fit or not rows_fit:
        return []
    most = int(BLOCK_SHARE * core.l1_data_bytes) // bytes_of_k
    deep = [d for d in tiles.divisors(size.k, most) if d % UNROLL == 0]
    return [replace(tile, panel=scaled, blocks=size.k // deep[-1])] if deep else []


def ahead(tile: GemmKnobs, workload: Workload, core: Core) -> list[GemmKnobs]:
    """The tile with two panels of scaled rows, if a vector in every step of k fills one.

    Only on x86: ARM's models charge each instruction alike, whenever it comes.
    """
    size = Sizes.of(workload)
    steps = tiles.count(size.n, tile.width) * (size.k // k_of_step(workload, tile))
    possible = "scale" in workload.prologue and core.isa == "x86_64" and workload.operator == "pointwise"
    fits = 2 * tile.rows * size.k * as_numpy_dtype(workload).itemsize <= PANEL_BYTES and size.k >= tile.lanes
    if not possible or not fits or tile.rows == size.m or tile.rows * tiles.count(size.k, tile.lanes) > steps:
        return []
    return [replace(tile, panel=True, scaled="ahead")]


def with_scaled_weights(tile: GemmKnobs, workload: Workload) -> list[GemmKnobs]:
    """The tile with the scale in the weights, where the stack has room for them and all rows have the same scale.

    Float16 weights would be rounded once more, for all pixels alike, where rows are rounded one by one.
    """
    size = Sizes.of(workload)
    fits = size.k * size.n * as_numpy_dtype(workload).itemsize <= SCALED_BYTES
    possible = "scale" in workload.prologue and workload.batch == 1 and workload.dtype == "float32"
    if not possible or not fits or tile.rows == size.m:
        return []
    return [replace(tile, panel=panel, scaled="weights") for panel in ((False,) if tile.pairs else (False, True))]


def panel_fits(tile: GemmKnobs, workload: Workload) -> bool:
    """Whether the stack has room for a tile's rows of A."""
    return tile.rows * workload.in_channels * as_numpy_dtype(workload).itemsize <= PANEL_BYTES


def register_tiles(workload: Workload, core: Core) -> list[GemmKnobs]:
    """Tiles whose sums fit into the registers beside one row of weights and what is read of A."""
    size = Sizes.of(workload)
    space = []
    for lanes in tiles.lane_widths(size.n, core, workload.dtype):
        for vectors in range(1, min(8, tiles.count(size.n, lanes)) + 1):
            for rows in range(1, min(size.m, 14) + 1):
                for by_vectors in (False, True):
                    read = rows if by_vectors else 2
                    if rows * vectors + vectors + read <= core.vector_registers or rows == vectors == 1:
                        space.append(GemmKnobs(rows, vectors, lanes, vector_reads=by_vectors))
    return space + _tiles_of_pairs(workload, core)


def _tiles_of_pairs(workload: Workload, core: Core) -> list[GemmKnobs]:
    """Register tiles of pairs of k, where channels would fill the widest vectors only to a part: in all of a tile's
    vectors, or in the last one; and where they fill a single one."""
    size = Sizes.of(workload)
    lanes, *smaller = tiles.lane_widths(size.n, core, workload.dtype)
    wide = core.vector_bits >= 512 and workload.operator == "pointwise" and workload.dtype == "float32"
    if not wide or size.k % PAIR or not (smaller or size.n == core.lanes(workload.dtype)):
        return []
    shapes = [
        (rows, vectors)
        for vectors in range(1, min(8, size.n * PAIR // lanes) + 1)
        for rows in range(1, min(size.m - 1, 14) + 1)
        if rows * vectors + vectors + 2 <= core.vector_registers
    ]
    # Their sums begin with the residual, which nothing may come before. With one or two rows every weight would be read
    # for as few multiply-adds.
    residual_first = workload.activation is None or "add" not in workload.epilogue
    pairs = [
        GemmKnobs(rows, vectors, lanes, pairs=True)
        for rows, vectors in shapes
        if residual_first and rows > 2 and rows * vectors <= core.vector_registers - OTHER_REGISTERS
    ]
    # With fewer vectors a tile waits for what it reads of its rows, with fewer rows for its sums.
    half = [GemmKnobs(rows, vectors, lanes, half=True) for rows, vectors in shapes if vectors > 4 and rows > 2]
    possible = size.k % UNROLL == 0 and "scale" not in workload.prologue
    return pairs + [tile for tile in half if possible and size.n % tile.width == 0]
