"""The knobs of a matrix product (`gemm`), and what follows from them; their space is `gemm_space`."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np

from tvm_mnv3.workload import Workload

from . import tiles
from .pairs import PAIR
from .read_ahead import LINE

#: k that one pass of the inner loop takes (XNNPACK's and the prototype's choice: enough to hide the loop's own work).
UNROLL = 4


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
        A vector's lanes are not channels but, of half as many, the sums over even k and over odd k (`gemm_pairs`).
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
        return PAIR if self.pairs else 1

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


def k_of_step(workload: Workload, knobs: GemmKnobs) -> int:
    """How many k a pass of the inner loop takes: `UNROLL`, or a divisor.

    Of pairs for a scale twice as many: what scales the next rows comes half as often then.
    """
    most = UNROLL * PAIR if knobs.pairs and "scale" in workload.prologue else UNROLL
    return gcd(workload.in_channels, most)


def own_lines(workload: Workload, knobs: GemmKnobs, step: int) -> float:
    """Cache lines of weights that a tile uses up while it takes `step` of k: read for the last time, on average."""
    row = knobs.vectors * knobs.lanes * np.dtype(workload.stored_dtype).itemsize
    return step * row / LINE / tiles.count(Sizes.of(workload).m, knobs.rows)


def again(workload: Workload, knobs: GemmKnobs) -> int:
    """How many vectors of the last of several tiles of channels are left out, for the tile before it has computed them.

    Of pairs that is the one that stands alone, the first, or none.
    """
    if knobs.order == "columns" or knobs.half:
        return 0
    vectors = tiles.again(workload.out_channels, knobs.vectors, knobs.channels)
    return vectors if not knobs.pairs or vectors == knobs.vectors % PAIR else 0
