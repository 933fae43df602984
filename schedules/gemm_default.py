"""The default out of the space of a matrix product's tiles (`gemm_space`): what a tile costs, and how it is shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import tiles
from .gemm_knobs import UNROLL, GemmKnobs, Sizes, again
from .gemm_space import ahead, in_blocks, orders, panel_fits, register_tiles, with_scaled_weights
from .template import as_numpy_dtype

#: So many tasks share evenly enough among a phone's cores.
MANY_TASKS = 32
#: And so few panels, with which threads wait so little for each other.
EVEN = 1.07
#: What the second-level cache delivers ("Software Optimization Guide for the AMD Zen4 Microarchitecture", 57647).
L2_BYTES_PER_CYCLE = 32
#: A row's vector of channels out of sums over pairs of k (`pairs`): from 16 to 16 channels every row takes 10.5 cycles,
#: 8 of them for its multiply-adds, in tiles of 6, 7, 8, 9 or 11 rows alike (Intel Xeon, model 167).
CYCLES_OF_PAIR = 2
#: To read a vector from the second-level cache, scale it and put it on the stack, while nothing is multiplied.
CYCLES_OF_SCALE = 2
#: What the first-level cache delivers where a tile waits for nothing but loads: 14 x 1 sums read a value of A for each
#: multiply-add (16 to 16 channels, Intel Xeon, model 167). On ARM two (Arm Cortex-A76 Software Optimization Guide).
LOADS_PER_CYCLE = {"x86_64": 1.8, "aarch64": 2.0}
#: Into how many ranges the tasks of a thread fall: four with a pool (``runtime/thread_pool.c``), all in one without.
RANGES = 2
#: In order nothing hides a load. Cycles per k of a vector of weights, of a row of A, and of one in a panel, whose
#: addresses are one apart; and of a sum outside k. By 300 tiles in LLVM's models of the cortex-a53 and the cortex-a55
#: (`tvm-mnv3 tune --device model:cortex-a53`), by least squares, float32.
IN_ORDER_WEIGHTS, IN_ORDER_ROW, IN_ORDER_PANEL_ROW, IN_ORDER_SUM = 2.3, 1.0, 0.6, 7
#: Tiles whose modelled costs differ by less than this are as good as each other.
NEAR = 1.02


def default(workload: Workload, core: Core) -> GemmKnobs:
    """The register tile with the lowest modelled cost, of about equal ones that whose tasks share most evenly among
    threads; a panel where a scale has to be multiplied in.

    ARM multiplies by a lane of a register, so it reads A by vectors; x86 spreads a value as it reads it.
    """
    size = Sizes.of(workload)
    # Few rows and many columns: one panel of weights at a time is read once, not once per tile of rows. But where the
    # channels leave half a vector over, tiles of rows can do without what the last panel computes again.
    whole = size.n % core.lanes(workload.dtype) == 0
    order = "columns" if size.n > size.m and whole else "rows"
    by_vectors = core.isa == "aarch64" and workload.in_channels % UNROLL == 0
    candidates = [
        replace(tile, order=order if order in (possible := orders(tile, size)) else possible[0])
        for tile in register_tiles(workload, core)
        if tile.vector_reads == by_vectors and _leaves_registers(tile, core)
    ]
    if "scale" in workload.prologue:
        candidates = _scaled(candidates, workload, core) or candidates
    else:
        candidates = [each for tile in candidates for each in in_blocks(tile, workload, core) or [tile]]
    cycles = {tile: _cycles(tile, workload, core) for tile in candidates}
    near = [tile for tile in candidates if cycles[tile] <= NEAR * min(cycles.values())]
    # Rows that pairs' tiles do not divide: 8 are up to 5 % better than 10, 12 or 13 from 16 to 16 channels.
    return min(near, key=lambda tile: (_imbalance(tile, size), tile.pairs and size.m % tile.rows > 0, cycles[tile]))


def _scaled(candidates: Sequence[GemmKnobs], workload: Workload, core: Core) -> list[GemmKnobs]:
    """The tiles with the scale in a panel of rows, in blocks of k if possible, or in the weights."""
    rows = [replace(tile, order="rows") for tile in candidates]
    blocked = [each for tile in candidates for each in in_blocks(tile, workload, core)]
    panels = [replace(tile, panel=True) for tile in rows if panel_fits(tile, workload) and not tile.pairs]
    ahead_of_use = [each for tile in rows for each in ahead(tile, workload, core)]
    weights = [each for tile in rows for each in with_scaled_weights(tile, workload) if not each.panel]
    return blocked or [*panels, *ahead_of_use, *weights]


def _leaves_registers(tile: GemmKnobs, core: Core) -> bool:
    """Whether the next weights can be read while the present ones are in use, where A takes registers too.

    Without that room LLVM's ARM code waits for loads: 7 x 3 sums need 4.5 % more of the model's cycles on a cortex-a76
    than 7 x 2, on every expansion of V3-Large in float32, and 3 % more in float16. In order, two registers more: 9 x 2
    sums take half as long again as 7 x 2 where k is short.
    """
    if not tile.vector_reads or tile.rows == tile.vectors == 1:
        return True
    room = core.vector_registers - (2 if core.in_order else 0)
    return tile.rows * tile.vectors + 2 * tile.vectors + tile.rows <= room


def _cycles(tile: GemmKnobs, workload: Workload, core: Core) -> float:
    """Modelled cycles: those of all tiles of rows, of each all tiles of columns, the last of which may be narrower."""
    size = Sizes.of(workload)
    across = tiles.count(size.n, tile.width)
    last = replace(tile, vectors=tile.vectors - again(workload, tile))
    row = (across - 1) * _tile_cycles(tile, workload, core) + _tile_cycles(last, workload, core)
    if tile.blocks > 1:
        row += across * _cycles_of_blocks(tile, size)
    elif "scale" in workload.prologue:
        row += _cycles_of_scale(tile, size)
    return tiles.count(size.m, tile.rows) * row


def _tile_cycles(tile: GemmKnobs, workload: Workload, core: Core) -> float:
    """Multiply-adds against loads per k, plus what a tile costs outside k."""
    size = Sizes.of(workload)
    rate = core.multiply_add_rate(tile.lanes, workload.dtype)
    sums: float = tile.rows * tile.vectors
    loads: float = tile.vectors + tile.rows / (UNROLL if tile.vector_reads else 1)
    if core.in_order and tile.vector_reads and workload.dtype == "float32":
        row = IN_ORDER_PANEL_ROW if tile.panel else IN_ORDER_ROW
        inner = sums / rate + IN_ORDER_WEIGHTS * tile.vectors + row * tile.rows
        return size.k * inner + IN_ORDER_SUM * sums
    if tile.half:
        # The last vector is wanted for every other k, and a row is read by ones and by pairs.
        sums, loads = sums - tile.rows / 2, tile.vectors - 1 / 2 + 3 / 2 * tile.rows
    # Each sum waits for its own last multiply-add.
    inner = max(sums / rate, loads / LOADS_PER_CYCLE[core.isa], core.multiply_add_latency)
    inner += 0.05 * loads  # loads are never quite free: prefer square tiles among equals
    itemsize = as_numpy_dtype(workload).itemsize
    if tile.order == "rows" and size.k * size.n * itemsize > core.l1_data_bytes:
        # All weights pass every tile of rows, out of the second-level cache: there two rows lose 1 to 3 % to three.
        inner += 0.06 * tile.vectors * tile.lanes * itemsize / L2_BYTES_PER_CYCLE
    return size.k / tile.depth * inner + _end_cycles(tile, workload, core)


def _end_cycles(tile: GemmKnobs, workload: Workload, core: Core) -> float:
    """What becomes of a tile's sums: the epilogue of every vector of channels, and the parting of pairs.

    Where rows end in turn (`tiles.IN_TURN`) nothing but arithmetic takes time, one operation without h-swish.
    """
    outputs = tile.rows * tiles.count(tile.vectors, tile.depth)
    in_turn = core.isa == "x86_64" and workload.activation != "hswish"
    cycles = (1 if in_turn else 3) * outputs / core.multiply_add_rate(tile.lanes, workload.dtype)
    if tile.pairs:
        return cycles + CYCLES_OF_PAIR * outputs
    return cycles + 8 + (CYCLES_OF_PAIR * tile.rows if tile.half else 0)


def _cycles_of_blocks(tile: GemmKnobs, size: Sizes) -> float:
    """Of a tile, what blocks cost: a load and a store of every sum, and every panel of weights scales the rows anew."""
    scaling = 2 * tile.rows * size.k / tile.lanes if tile.panel else 0
    return 1.5 * tile.rows * tile.vectors * tile.blocks + scaling


def _cycles_of_scale(tile: GemmKnobs, size: Sizes) -> float:
    """For a tile of rows, what the multiplication by the scale costs."""
    if tile.scaled == "weights":
        return RANGES * CYCLES_OF_SCALE * size.k * size.n / tile.lanes / tiles.count(size.m, tile.rows)
    return (1 if tile.scaled == "ahead" else CYCLES_OF_SCALE) * tile.rows * size.k / tile.lanes


def _imbalance(tile: GemmKnobs, size: Sizes) -> float:
    """How much longer few tasks take than equal shares of the work would, on average of 1, 2 and 4 threads.

    In the order "columns" what is shared is panels of weights: each is read by one thread, and where the expansion runs
    by slices of channels (`tvm_mnv3.codegen.slices`), these are panels as well.
    """
    columns = tile.order == "columns"
    tasks = tiles.count(size.n, tile.width) if columns else tiles.count(size.m, tile.rows)
    if tasks >= MANY_TASKS:
        return 1
    mean = sum(tiles.imbalance(tasks, threads) for threads in (1, 2, 4)) / 3
    return 1 if columns and mean < EVEN else mean
