"""`Runtime` and `Session`: what every runtime that is compared looks like to the benchmark."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from benchmarks.network import Network

Array = npt.NDArray[Any]


class MissingRuntime(Exception):
    """The runtime, or what it needs to read the network, is not there; the message says what, and how to get it."""


class Session(ABC):
    """A network that is ready to run, with its input in place. Nothing but inference happens in `run`."""

    @abstractmethod
    def run(self) -> None:
        """One inference on the network's input."""

    @abstractmethod
    def output(self) -> Array:
        """The logits of the last run, float32 (1, classes)."""

    def time(self, repeats: int) -> list[float]:
        """Seconds of wall time of each of that many runs."""
        return seconds_of_each(self.run, repeats)


def seconds_of_each(run: Callable[[], object], repeats: int) -> list[float]:
    """Seconds of wall time of each of that many calls."""
    seconds = np.empty(repeats + 1)
    seconds[0] = time.perf_counter()
    for index in range(1, repeats + 1):
        run()
        seconds[index] = time.perf_counter()
    return [float(difference) for difference in np.diff(seconds)]


class Runtime(Protocol):
    """A runtime. A module of this package is one: it has these two functions.

    Both run in a process of their own, whose affinity and environment already say how many threads there are. An
    ImportError means that the runtime is not installed.
    """

    def version(self) -> str:
        """The version of what runs the network."""

    def load(self, network: Network, threads: int) -> Session:
        """Convert the network where that was not done before, and make it ready in float32 on that many threads.

        Raises
        ------
        MissingRuntime
            Something that the runtime needs is not there.
        """
