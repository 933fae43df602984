"""Measuring that may end halfway: a device that drops out ends it, and what was measured is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tvm_mnv3.errors import EnvironmentProblem

T = TypeVar("T")


class Attempts:
    """Measures one thing after another until the device fails."""

    def __init__(self, on_stage: Callable[[str], None]) -> None:
        self._on_stage = on_stage
        #: Why the measuring ended early, or None.
        self.partial: str | None = None

    def measure(self, stage: str, work: Callable[[], T]) -> T | None:
        """What `work` returns; None if it failed, or something before it."""
        if self.partial is not None:
            return None
        self._on_stage(stage)
        try:
            return work()
        except EnvironmentProblem as problem:
            self.fail(stage, str(problem))
            return None

    def fail(self, stage: str, reason: str) -> None:
        """Measure no more."""
        self.partial = f"{stage}: {reason}"
