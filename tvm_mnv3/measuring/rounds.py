"""Rounds: the runtimes take turns, A B A B, so that whatever the machine does meanwhile happens to all of them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

#: A turn begins with this many runs that do not count, or as many as fill that time: the caches are the other
#: runtimes', and what they left spinning must have gone to sleep.
WARMUP_RUNS, WARMUP_SECONDS = 2, 0.05
#: Runs of a turn that count: as many as fill the burst, within these limits.
FEWEST_RUNS, MOST_RUNS = 2, 1000


class Contestant(Protocol):
    """Something that can be timed in bursts."""

    def time(self, *, warmup: int, repeats: int) -> list[float]:
        """Seconds of each run of a burst, without the warm-up's."""


@dataclass(frozen=True)
class Measurement:
    """The times of all of one contestant's runs that count.

    Parameters
    ----------
    seconds
        One per run, in the order in which they were done.
    round_medians
        The median of each round, in seconds: whether the machine kept its pace.
    """

    seconds: tuple[float, ...]
    round_medians: tuple[float, ...]

    def percentile(self, percent: float) -> float:
        """Of the runs, in seconds; 50 is the median."""
        return float(np.percentile(self.seconds, percent))


def take_turns(
    contestants: Mapping[str, Contestant],
    rounds: int,
    burst_seconds: float,
    on_failure: Callable[[str, Exception], None],
) -> dict[str, Measurement]:
    """Time the contestants in turns.

    Parameters
    ----------
    burst_seconds
        How long a turn should be.
    on_failure
        Called with a contestant that raised, which is then left out.

    Returns
    -------
    dict
        By name, of those that lasted to the end.
    """
    bursts: dict[str, list[list[float]]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name in list(bursts):
            try:
                bursts[name].append(_burst(contestants[name], bursts[name], burst_seconds))
            # Whatever one fails with, the others go on.
            except Exception as error:
                del bursts[name]
                on_failure(name, error)
    return {name: _measurement(each) for name, each in bursts.items()}


def _burst(contestant: Contestant, before: list[list[float]], burst_seconds: float) -> list[float]:
    typical = statistics.median(before[-1]) if before else statistics.median(contestant.time(warmup=1, repeats=3))
    warmup = max(WARMUP_RUNS, math.ceil(WARMUP_SECONDS / typical))
    repeats = min(max(FEWEST_RUNS, round(burst_seconds / typical)), MOST_RUNS)
    return contestant.time(warmup=warmup, repeats=repeats)


def _measurement(bursts: list[list[float]]) -> Measurement:
    return Measurement(
        seconds=tuple(second for burst in bursts for second in burst),
        round_medians=tuple(statistics.median(burst) for burst in bursts),
    )
