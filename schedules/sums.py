"""How a kernel sums: float32 as the terms come, float16 so that what is rounded on the way stays small.

A float16 sum is rounded after every term, to the last place of what it has become. So a bias, which is often the
largest term, is added last; and what rounding it to float16 leaves over, as large an error as any of the sum's own, is
not lost: the sum begins with it. A long sum is made of blocks that begin with zero.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import numpy as np

from tvm_mnv3.compat import Expr, T
from tvm_mnv3.workload import Workload

from .template import Array

#: The longest block of a float16 sum. On a trained V3-Small blocks of 16 to 64 are alike; without any in its dense and
#: SE layers its logits are 14 % further from float32.
BLOCK = 64


def bias_parts(workload: Workload) -> int:
    """In how many parts a bias is packed: as it is, or for float16 sums rounded, and what that leaves over."""
    return 2 if workload.dtype == "float16" else 1


def packed_bias(bias: Array, workload: Workload) -> Array:
    """The parts of a float32 bias ``(C,)``: ``(parts, C)`` in the dtype of the sums."""
    if bias_parts(workload) == 1:
        return bias[np.newaxis]
    rounded = bias.astype(np.float16)
    return np.stack([rounded, (bias - rounded).astype(np.float16)])


def first_term(bias: Any | None, at: tuple[Expr, ...], workload: Workload, blocks: int = 1) -> Expr:
    """What a sum, or each block of one, begins with. `bias` is the packed one, its parts outermost, or None."""
    if bias is None or blocks > 1:
        return T.cast(0, workload.dtype)
    return _part(bias, bias_parts(workload) - 1, at)


def whole(blocks: list[Expr], bias: Any | None, at: tuple[Expr, ...], workload: Workload) -> Expr:
    """The sum of a sum's blocks, and of what they did not begin with."""
    terms = list(blocks)
    if bias is not None and bias_parts(workload) == 2:
        left_over = [_part(bias, 1, at)] if len(blocks) > 1 else []
        terms = [*left_over, *blocks, _part(bias, 0, at)]
    return reduce(add, terms)


def _part(bias: Any, part: int, at: tuple[Expr, ...]) -> Expr:
    index = (part, *at)
    return bias[index]


def block(depth: int, step: int, workload: Workload) -> int:
    """How many of a sum's `depth` products a block has: all, or of float16 a divisor that is a multiple of `step`."""
    if workload.dtype != "float16" or depth <= BLOCK:
        return depth
    return max((d for d in range(step, BLOCK + 1, step) if depth % d == 0 and d > 4), default=depth)
