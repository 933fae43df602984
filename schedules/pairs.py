"""Vectors that hold pairs of k: how their weights are packed, and what becomes of their sums.

Where channels would fill wide vectors only to a part, a pair of A, ``a[2 k]`` and ``a[2 k + 1]``, is spread over the
lanes: even lanes sum over even k, odd lanes over odd k. 24 channels take three such vectors for two k, where they would
take two for one.

Two vectors hold the channels of one *across*: the even k of its even channels and the odd k of its odd ones in the
first, all others in the second, a lane beside where they belong. So one exchange of neighbouring lanes and one addition
make a vector of channels out of two, in their order in memory. A vector that is left over holds half as many channels,
each in two neighbouring lanes; two rows' such vectors are parted together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tvm_mnv3.compat import Expr, T, tirx

from .template import Array

#: k of a pair.
PAIR = 2


def exchanged(vector: Expr, lanes: int) -> Expr:
    """The vector with neighbouring lanes exchanged."""
    return tirx.Shuffle([vector], [lane ^ 1 for lane in range(lanes)])


def interleaved(even: Expr, odd: Expr, lanes: int) -> Expr:
    """Two vectors of half as many lanes in the even and the odd lanes of one."""
    half = lanes // PAIR
    return tirx.Shuffle([even, odd], [lane // PAIR + lane % PAIR * half for lane in range(lanes)])


def added(vector: Expr, between: Expr, lanes: int) -> Expr:
    """The sums of each two neighbouring lanes, plus something else, which has to come between them.

    Of two neighbouring lanes' sum LLVM makes x86's ``vhaddps``, whose encoding knows only half of the 32 registers, so
    that other sums would wait in memory all along.
    """
    even, odd = (tirx.Shuffle([vector], list(range(part, lanes, PAIR))) for part in range(PAIR))
    return even + between + odd


def joined(vector: Expr, other: Expr, lanes: int) -> Expr:
    """The sums of each two neighbouring lanes, those of the other vector in the upper half."""
    even, odd = (tirx.Shuffle([vector, other], list(range(part, PAIR * lanes, PAIR))) for part in range(PAIR))
    return even + odd


def half_of(vector: Expr, which: int, lanes: int) -> Expr:
    """The lower (0) or the upper (1) half of a vector.

    The fence is no instruction, but without it LLVM would work out either half by itself, in twice as many.
    """
    half = lanes // PAIR
    whole = tirx.call_llvm_pure_intrin(f"float32x{lanes}", "llvm.arithmetic.fence", vector)
    return tirx.Shuffle([whole], list(range(which * half, (which + 1) * half)))


def zeros(lanes: int) -> Expr:
    """A vector of float32 zeros."""
    return T.Broadcast(T.float32(0), lanes)


def ends_couple(row: Any, rows: int) -> Expr:
    """Whether the row of a tile is parted, and the one before with it: every other one, and the last, even if the one
    before has been."""
    return tirx.any(row % PAIR == PAIR - 1, row == rows - 1)


def packed_across(weights: Array) -> Array:
    """Weights ``(tiles, K, vectors, channels)``, vectors of as many channels as lanes, held across:
    ``(tiles, K / 2, vectors, 2, lanes)``."""
    even, odd = weights[:, 0::PAIR], weights[:, 1::PAIR]
    at_even_lanes = np.arange(weights.shape[-1]) % PAIR == 0
    neighbours = np.arange(weights.shape[-1]) ^ 1
    first = np.where(at_even_lanes, even, odd)
    second = np.where(at_even_lanes, even[..., neighbours], odd[..., neighbours])
    return np.stack([first, second], axis=-2)


def packed_alone(weights: Array) -> Array:
    """Weights ``(tiles, K, ..., channels)``, half as many channels as lanes, each beside itself:
    ``(tiles, K / 2, ..., lanes)``."""
    pairs = np.stack([weights[:, 0::PAIR], weights[:, 1::PAIR]], axis=-1)
    return pairs.reshape(*pairs.shape[:-2], PAIR * weights.shape[-1])
