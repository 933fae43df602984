"""The knobs of a matrix product (`gemm`), and the space of its register tiles."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import tiles
from .read_ahead import LINE
from .template import as_numpy_dtype

#: A panel of scaled rows is a buffer on the stack of whatever thread runs the task (musl gives 128 KB).
PANEL_BYTES = 32 * 1024
#: Scaled weights are one, too. From 240 to 40 channels on 14x14, 38 KB, they save 7 % of the time.
SCALED_BYTES = 40 * 1024
#: k that one pass of the inner loop takes (XNNPACK's and the prototype's choice: enough to hide the loop's own work).
UNROLL = 4
#: Part of the first-level cache that a block of weights may fill: with a half V3-Large takes 0.5 % longer.
BLOCK_SHARE = 2 / 3


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
    blocks
        In the order "columns", parts of k: all rows pass one block of a panel of weights before they pass the next
        (`gemm_blocks`).
    pairs
        A vector's lanes are not channels but, of half as many, the sums over even k and over odd k.
    half
        That holds for the last vector of a tile only (`gemm_halves`).
    scaled
        Into what the scale of A is multiplied: the ``rows`` of a tile, when they are used or put into the panel; those
        of the next tile, ``ahead`` of their use (`gemm_panels`); or a copy of the ``weights`` on the stack, made once
        for a range of tasks.
    """

    rows: int
    vectors: int
    lanes: int
    order: str = "rows"
    panel: bool = False
    vector_reads: bool = False
    blocks: int = 1
    pairs: bool = False
    half: bool = False
    scaled: str = "rows"

    @property
    def depth(self) -> int:
        """How many k a vector holds of each of its channels."""
        return 2 if self.pairs else 1

    @property
    def channels(self) -> int:
        """Of a vector."""
        return self.lanes // self.depth

    @property
    def width(self) -> int:
        """Channels of a tile."""
        return self.vectors * self.channels - (self.lanes // 2 if self.half else 0)


@dataclass(frozen=True)
class Sizes:
    """What a matrix product multiplies: ``(m, k)`` by ``(k, n)``; so many rows, `pixels`, share one picture's scale."""

    m: int
    n: int
    k: int
    pixels: int

    @classmethod
    def of(cls, w: Workload) -> Sizes:
        """Those of a pointwise or dense workload."""
        pixels = w.out_height * w.out_width
        return cls(m=w.batch * pixels, n=w.out_channels, k=w.in_channels, pixels=pixels)


def knobs(workload: Workload, core: Core) -> list[GemmKnobs]:
    """Every register tile that fits, in both orders, with and without a panel, with both ways to read A, and with all
    that a scale can be multiplied into."""
    size, space = Sizes.of(workload), []
    for tile in register_tiles(workload, core):
        if tile.half:
            space.append(tile)
            continue
        space += [replace(tile, order=order) for order in orders(tile, size)]
        space += in_blocks(replace(tile, order="columns"), workload, core)
        if panel_fits(tile, workload) and (tile.rows < size.m or "scale" in workload.prologue):
            space.append(replace(tile, panel=True))
        space += ahead(tile, workload, core)
        space += with_scaled_weights(tile, workload)
    return space


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
    steps = tiles.count(size.n, tile.vectors * tile.channels) * (size.k // tile.depth // UNROLL)
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
    return [replace(tile, panel=panel, scaled="weights") for panel in (False, True)]


def own_lines(workload: Workload, knobs: GemmKnobs, step: int) -> float:
    """Cache lines of weights that a tile uses up while it takes `step` of k: read for the last time, on average."""
    row = knobs.vectors * knobs.lanes * np.dtype(workload.stored_dtype).itemsize
    return step * row / LINE / tiles.count(Sizes.of(workload).m, knobs.rows)


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
    vectors, or in the last one."""
    size = Sizes.of(workload)
    lanes, *smaller = tiles.lane_widths(size.n, core, workload.dtype)
    if not smaller or workload.operator != "pointwise" or workload.dtype != "float32" or size.k % 2:
        return []
    shapes = [
        (rows, vectors)
        for vectors in range(1, min(8, tiles.count(size.n, lanes // 2)) + 1)
        for rows in range(1, min(size.m - 1, 14) + 1)
        if rows * vectors + vectors + 2 <= core.vector_registers
    ]
    pairs = [GemmKnobs(rows, vectors, lanes, pairs=True) for rows, vectors in shapes]
    # With fewer vectors a tile waits for what it reads of its rows, with fewer rows for its sums.
    half = [GemmKnobs(rows, vectors, lanes, half=True) for rows, vectors in shapes if vectors > 4 and rows > 2]
    possible = size.k % UNROLL == 0 and "scale" not in workload.prologue
    return pairs + [tile for tile in half if possible and size.n % tile.width == 0]
