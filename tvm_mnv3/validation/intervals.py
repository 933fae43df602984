"""Numbers from samples, each with the interval that holds the truth with 95 % confidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
_Z = float(stats.norm.ppf(0.5 + CONFIDENCE / 2))


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval, all three in the same unit; one that could not be estimated spans everything."""

    value: float
    low: float
    high: float


def proportion(hits: int, count: int) -> Interval:
    """A share in per cent (Wilson's score interval).

    Raises
    ------
    ValueError
        `count` is 0.
    """
    if count == 0:
        raise ValueError("no share of nothing")
    bounds = stats.binomtest(hits, count).proportion_ci(CONFIDENCE, method="wilson")
    return Interval(100 * hits / count, 100 * float(bounds.low), 100 * float(bounds.high))


def paired_drop(only_first: int, only_second: int, count: int) -> Interval:
    """By how many points the second of two answers to the same pictures is less often right than the first.

    Parameters
    ----------
    only_first, only_second
        Pictures that only the one had right.
    count
        All pictures.

    Notes
    -----
    The adjusted Wald interval of Agresti and Min, "Simple improved confidence intervals for comparing matched
    proportions" (2005): half a picture more in each of the four cells.
    """
    total, first, second = count + 2.0, only_first + 0.5, only_second + 0.5
    centre = (first - second) / total
    margin = _Z * math.sqrt(max(first + second - (first - second) ** 2 / total, 0.0)) / total
    return Interval(100 * (only_first - only_second) / count, 100 * (centre - margin), 100 * (centre + margin))


def median(values: Sequence[float]) -> Interval:
    """The median, its interval by order statistics, which assumes no distribution."""
    value = float(np.median(values))
    bounds = stats.quantile_test(values, q=value, p=0.5).confidence_interval(CONFIDENCE)
    # Of few values no interval reaches the confidence; then all that is known is their range.
    low, high = (float(v) if math.isfinite(v) else None for v in (bounds.low, bounds.high))
    return Interval(value, min(values) if low is None else low, max(values) if high is None else high)
