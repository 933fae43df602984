"""The knobs of a matrix product (`gemm`): the space of register tiles, and the default out of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import tiles
from .template import as_numpy_dtype

#: A panel of scaled rows is a buffer on the stack of whatever thread runs the task (musl gives 128 KB).
PANEL_BYTES = 32 * 1024
#: k that one pass of the inner loop takes (XNNPACK's and the prototype's choice: enough to hide the loop's own work).
UNROLL = 4
#: So many tasks share evenly enough among a phone's cores.
MANY_TASKS = 32
#: And so few panels, with which threads wait so little for each other.
EVEN = 1.07
#: What the second-level cache delivers ("Software Optimization Guide for the AMD Zen4 Microarchitecture", 57647).
L2_BYTES_PER_CYCLE = 32
#: Part of the first-level cache that a block of weights may fill: with a half V3-Large takes 0.5 % longer.
BLOCK_SHARE = 2 / 3
#: Parting the sums of a vector of pairs takes two shuffles, of which x86's cores with 512 bits do one a cycle.
CYCLES_OF_PAIR = 2
#: Tiles whose modelled costs differ by less than this are as good as each other.
NEAR = 1.02


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
    """

    rows: int
    vectors: int
    lanes: int
    order: str = "rows"
    panel: bool = False
    vector_reads: bool = False
    blocks: int = 1
    pairs: bool = False

    @property
    def channels(self) -> int:
        """Of a vector."""
        return self.lanes // 2 if self.pairs else self.lanes


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
    """Every register tile that fits, in both orders, with and without a panel, with both ways to read A."""
    size, space = Sizes.of(workload), []
    for tile in _register_tiles(workload, core):
        space += [replace(tile, order=order) for order in _orders(tile, size)]
        space += _in_blocks(replace(tile, order="columns"), workload, core)
        if _panel_fits(tile, workload) and (tile.rows < size.m or "scale" in workload.prologue):
            space.append(replace(tile, panel=True))
    return space


def default(workload: Workload, core: Core) -> GemmKnobs:
    """The register tile with the lowest modelled cost, of about equal ones that whose tasks share most evenly among
    threads; a panel where a scale has to be multiplied in.

    ARM multiplies by a lane of a register, so it reads A by vectors; x86 spreads a value as it reads it.
    """
    size = Sizes.of(workload)
    # Few rows and many columns: one panel of weights at a time is read once, not once per tile of rows.
    order = "columns" if size.n > size.m else "rows"
    by_vectors = core.isa == "aarch64" and workload.in_channels % UNROLL == 0
    candidates = [
        replace(tile, order=order if order in _orders(tile, size) else _orders(tile, size)[0])
        for tile in _register_tiles(workload, core)
        if tile.vector_reads == by_vectors and _leaves_registers(tile, workload, core)
    ]
    if "scale" in workload.prologue:
        in_blocks = [each for tile in candidates for each in _in_blocks(tile, workload, core)]
        fitting = [replace(tile, order="rows", panel=True) for tile in candidates if _panel_fits(tile, workload)]
        candidates = in_blocks or fitting or candidates
    else:
        candidates = [each for tile in candidates for each in _in_blocks(tile, workload, core) or [tile]]
    cycles = {tile: _cycles(tile, workload, core) for tile in candidates}
    near = [tile for tile in candidates if cycles[tile] <= NEAR * min(cycles.values())]
    return min(near, key=lambda tile: (_imbalance(tile, size), cycles[tile]))


def _orders(tile: GemmKnobs, size: Sizes) -> tuple[str, ...]:
    """With one tile of rows the orders differ in nothing but that "rows" makes a single task of them all. Pairs are for
    projections, of which many rows pass the same weights."""
    if tile.pairs:
        return ("rows",)
    return ("rows", "columns") if tile.rows < size.m else ("columns",)


def _in_blocks(tile: GemmKnobs, workload: Workload, core: Core) -> list[GemmKnobs]:
    """The tile with as few blocks of k as fill no more than `BLOCK_SHARE` of the first-level cache.

    None where the cache has room for the whole panel, where the sums between two blocks take too much of the stack, and
    where rows are read by vectors, which `gemm_blocks` does not do: ARM's cores have not been seen to wait for weights.
    """
    size, stored = Sizes.of(workload), np.dtype(workload.stored_dtype).itemsize
    width = tile.vectors * tile.lanes
    sums_bytes = tiles.count(size.m, tile.rows) * tile.rows * width * as_numpy_dtype(workload).itemsize
    if workload.operator != "pointwise" or tile.order != "columns" or tile.rows == size.m:
        return []
    if core.isa != "x86_64" or sums_bytes > PANEL_BYTES:
        return []
    most = int(BLOCK_SHARE * core.l1_data_bytes) // (width * stored)
    deep = [d for d in tiles.divisors(size.k, most) if d % UNROLL == 0]
    if size.k * width * stored <= core.l1_data_bytes or not deep:
        return []
    return [replace(tile, panel="scale" in workload.prologue, blocks=size.k // deep[-1])]


def _panel_fits(tile: GemmKnobs, workload: Workload) -> bool:
    return tile.rows * workload.in_channels * as_numpy_dtype(workload).itemsize <= PANEL_BYTES


def _leaves_registers(tile: GemmKnobs, workload: Workload, core: Core) -> bool:
    """Whether the next weights can be read while the present ones are in use, where A takes registers too.

    Without that room LLVM's ARM code waits for loads: 7 x 3 sums need 4.5 % more of the model's cycles on a cortex-a76
    than 7 x 2, on every expansion of V3-Large in float32; in float16 it makes no difference.
    """
    if not tile.vector_reads or workload.dtype != "float32" or tile.rows == tile.vectors == 1:
        return True
    return tile.rows * tile.vectors + 2 * tile.vectors + tile.rows <= core.vector_registers


def _register_tiles(workload: Workload, core: Core) -> list[GemmKnobs]:
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
    """Register tiles of pairs of k, where channels would fill the widest vectors only to a part."""
    size = Sizes.of(workload)
    lanes, *halves = tiles.lane_widths(size.n, core, workload.dtype)
    if not halves or workload.operator != "pointwise" or workload.dtype != "float32" or size.k % 2:
        return []
    return [
        GemmKnobs(rows, vectors, lanes, pairs=True)
        for vectors in range(1, min(8, tiles.count(size.n, lanes // 2)) + 1)
        for rows in range(1, min(size.m - 1, 14) + 1)
        if rows * vectors + vectors + 2 <= core.vector_registers
    ]


def _cycles(tile: GemmKnobs, workload: Workload, core: Core) -> float:
    """Modelled cycles: those of all tiles of rows, of each all tiles of columns, the last of which may be narrower."""
    size = Sizes.of(workload)
    across = tiles.count(size.n, tile.vectors * tile.channels)
    again = tiles.again(size.n, tile.vectors, tile.channels) if tile.order == "rows" else 0
    last = replace(tile, vectors=tile.vectors - again)
    row = (across - 1) * _tile_cycles(tile, workload, core) + _tile_cycles(last, workload, core)
    if tile.blocks > 1:
        row += across * _cycles_of_blocks(tile, size)
    return tiles.count(size.m, tile.rows) * row


def _tile_cycles(tile: GemmKnobs, workload: Workload, core: Core) -> float:
    """Multiply-adds against loads (two a cycle) per k, plus what a tile costs outside k."""
    size = Sizes.of(workload)
    rate = core.multiply_add_rate(tile.lanes, workload.dtype)
    sums = tile.rows * tile.vectors
    loads = tile.vectors + tile.rows / (UNROLL if tile.vector_reads else 1)
    # Each sum waits for its own last multiply-add.
    inner = max(sums / rate, loads / 2, core.multiply_add_latency)
    inner += 0.05 * loads  # loads are never quite free: prefer square tiles among equals
    itemsize = as_numpy_dtype(workload).itemsize
    if tile.order == "rows" and size.k * size.n * itemsize > core.l1_data_bytes:
        # All weights pass every tile of rows, out of the second-level cache: two rows lose 1 to 3 % to three there.
        inner += 0.05 * tile.vectors * tile.lanes * itemsize / L2_BYTES_PER_CYCLE
    if tile.pairs:
        return size.k / 2 * inner + 3 * sums / rate + 8 + CYCLES_OF_PAIR * sums
    return size.k * inner + 3 * sums / rate + 8


def _cycles_of_blocks(tile: GemmKnobs, size: Sizes) -> float:
    """Of a tile, what blocks cost: a load and a store of every sum, and every panel of weights scales the rows anew."""
    scaling = 2 * tile.rows * size.k / tile.lanes if tile.panel else 0
    return 1.5 * tile.rows * tile.vectors * tile.blocks + scaling


def _imbalance(tile: GemmKnobs, size: Sizes) -> float:
    """How much longer few tasks take than equal shares of the work would, on average of 1, 2 and 4 threads.

    In the order "columns" what is shared is panels of weights: each is read by one thread, and where the expansion runs
    by slices of channels (`tvm_mnv3.codegen.slices`), these are panels as well.
    """
    columns = tile.order == "columns"
    tasks = tiles.count(size.n, tile.vectors * tile.lanes) if columns else tiles.count(size.m, tile.rows)
    if tasks >= MANY_TASKS:
        return 1
    mean = sum(tiles.imbalance(tasks, threads) for threads in (1, 2, 4)) / 3
    return 1 if columns and mean < EVEN else mean
