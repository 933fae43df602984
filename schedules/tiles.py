"""Covering an extent with tiles of one size: where it does not divide, the last tile is moved back.

A moved tile computes some elements a second time and stores the same bits, so that no kernel has a tail: every tile
runs the same straight-line code, whatever the channel count (184, 200, 72, 40, 24, 88) or picture size. Where these are
whole vectors, a kernel may leave them out (`AGAIN`): 112 channels are tiles of 64 and of 48.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tvm_mnv3.compat import Expr, tirx
from tvm_mnv3.targets import Core

#: Annotations of a loop over tiles of channels, and of the loops inside it over a tile's vectors; the latter's value is
#: how many the last tile begins with that the one before it has computed.
TILES, AGAIN = "tvm_mnv3.tiles", "tvm_mnv3.again"
#: Annotation of loops over a tile's rows: in the innermost of the loops over terms, and of what is made of the sums. A
#: row's last term is added, and the row stored, before the next one's.
IN_TURN = "tvm_mnv3.in_turn"


def count(extent: int, tile: int) -> int:
    """How many tiles cover the extent."""
    return -(-extent // tile)


def imbalance(tasks: int, threads: int) -> float:
    """How many times as long so many threads take for tasks of one size as for equal shares of the work."""
    return count(tasks, threads) * threads / tasks


def start(index: Expr, extent: int, tile: int) -> Expr:
    """First element of a tile; `tile` must not exceed `extent`."""
    if extent % tile == 0:
        return index * tile
    return tirx.min(index * tile, extent - tile)


def fitting_lanes(extent: int, lanes: int) -> int:
    """The widest power of two of lanes, at most `lanes`, that the extent can fill."""
    while lanes > extent:
        lanes //= 2
    return lanes


def lane_widths(extent: int, core: Core, dtype: str) -> list[int]:
    """Numbers of lanes worth trying: whole registers, and halves where wide ones would leave lanes without work.

    512-bit registers hold 16 float32; a channel count of 24, 40, 72 or 200 fills them only to a part.
    """
    widest = fitting_lanes(extent, core.lanes(dtype))
    half = widest // 2
    return [widest, half] if core.vector_bits >= 512 and half and extent % widest and extent % half == 0 else [widest]


def balanced(extent: int, most: int) -> int:
    """The tile of at most `most` that covers the extent with the fewest tiles and then the least overlap."""
    return count(extent, count(extent, most))


def divisors(extent: int, most: int) -> list[int]:
    """The divisors of the extent up to `most`, ascending."""
    return [d for d in range(1, min(extent, most) + 1) if extent % d == 0]


def column(tile: Expr, vector: Expr, extent: int, vectors: int, lanes: int) -> Expr:
    """First channel of a vector in a tile of several vectors of channels.

    The last tile is moved back to end with the extent; where even one tile is wider than the extent, its last
    vector is moved back. `lanes` must not exceed `extent`.
    """
    width = vectors * lanes
    if extent % width == 0:
        return tile * width + vector * lanes
    if extent > width:
        return tirx.min(tile * width, extent - width) + vector * lanes
    return tirx.min(vector * lanes, extent - lanes)


def columns(extent: int, vectors: int, lanes: int) -> npt.NDArray[np.intp]:
    """The channel in every lane, shape ``(tiles, vectors, lanes)``: `column` for NumPy, to pack weights with."""
    width = vectors * lanes
    tile = np.arange(count(extent, width)).reshape(-1, 1, 1)
    vector = np.arange(vectors).reshape(1, -1, 1)
    lane = np.arange(lanes).reshape(1, 1, -1)
    first = np.minimum(tile * width, max(extent - width, 0)) + vector * lanes
    return np.minimum(first, extent - lanes) + lane


def again(extent: int, vectors: int, lanes: int) -> int:
    """How many whole vectors of the last of several tiles are the last of the tile before it."""
    width = vectors * lanes
    return (count(extent, width) * width - extent) // lanes if extent > width else 0
