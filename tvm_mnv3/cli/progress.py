"""A line per stage with its seconds, and a spinner while one runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status


class StageClock:
    """Called as each stage begins; prints the line of the one before."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = Status("", console=console)
        self._started = self._stage_started = time.perf_counter()
        self._stage: str | None = None

    @property
    def seconds(self) -> float:
        """Since the first stage began."""
        return time.perf_counter() - self._started

    def begin(self, stage: str) -> None:
        """Print the stage that ends here, and show the one that begins."""
        self.end()
        self._stage = stage
        self._stage_started = time.perf_counter()
        if self._console.is_terminal:
            self._status.update(stage)
            self._status.start()

    def end(self) -> None:
        """Print the stage that ends here."""
        self.stop()
        if self._stage is not None:
            self._console.print(f"{self._stage:<13} {time.perf_counter() - self._stage_started:5.1f} s")
        self._stage = None

    def stop(self) -> None:
        """Take the spinner away."""
        self._status.stop()


@contextmanager
def stages(console: Console) -> Iterator[StageClock]:
    """A clock whose last stage ends with the block; one that fails leaves no line."""
    clock = StageClock(console)
    try:
        yield clock
        clock.end()
    finally:
        clock.stop()
