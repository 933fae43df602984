"""The latency of a bundle on this machine: many single runs after a warm-up, pinned, with what the machine told."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from tvm_mnv3.measuring.hygiene import MachineState, machine_state, pinned
from tvm_mnv3.measuring.machine import choose_cpus

#: Warming up takes that share of the time that is measured: caches, page tables and the clock settle.
_WARMUP_SHARE = 0.2
FEWEST_RUNS, MOST_RUNS = 30, 20_000


@runtime_checkable
class TimedSession(Protocol):
    """A session on a device whose time counts; an emulated core has none."""

    def time(
        self, inputs: Sequence[npt.NDArray[Any]], *, threads: int = 1, warmup: int = 3, repeats: int = 10
    ) -> list[float]:
        """Seconds of each of `repeats` runs, after `warmup` that do not count."""


@dataclass(frozen=True)
class Latency:
    """Single runs, one after another.

    Parameters
    ----------
    milliseconds
        Of each run that counts, in order.
    threads, cpus
        How many threads worked, and on which CPUs.
    warmup_runs
        Runs before the first that counts.
    before, after
        What the machine told of the first CPU.
    """

    milliseconds: tuple[float, ...]
    threads: int
    cpus: tuple[int, ...]
    warmup_runs: int
    before: MachineState
    after: MachineState

    @property
    def median(self) -> float:
        """In milliseconds."""
        return statistics.median(self.milliseconds)

    @property
    def spread(self) -> float:
        """The range of the middle half, as a share of the median."""
        return (self.percentile(75) - self.percentile(25)) / self.median

    def percentile(self, percent: float) -> float:
        """Of all runs, in milliseconds."""
        return float(np.percentile(self.milliseconds, percent))


def measure_latency(
    session: TimedSession, inputs: Sequence[npt.NDArray[Any]], *, threads: int = 1, seconds: float = 3.0
) -> Latency:
    """Time runs on the same inputs for about that long.

    Raises
    ------
    EnvironmentProblem
        There are fewer CPUs than threads, or the device failed.
    """
    cpus = choose_cpus(threads)
    with pinned(cpus):
        typical = statistics.median(session.time(inputs, threads=threads, warmup=1, repeats=5))
        warmup = max(3, round(_WARMUP_SHARE * seconds / typical))
        repeats = min(max(FEWEST_RUNS, round(seconds / typical)), MOST_RUNS)
        before = machine_state(cpus[0])
        measured = session.time(inputs, threads=threads, warmup=warmup, repeats=repeats)
        after = machine_state(cpus[0])
    return Latency(tuple(round(second * 1e3, 6) for second in measured), threads, cpus, warmup, before, after)
