"""`TuningDevice`: what scores candidates, whether it measures or models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from tvm_mnv3.tuning.build import BuiltKernel
from tvm_mnv3.tuning.score import Score


class TuningDevice(Protocol):
    """Somewhere candidates get their scores."""

    @property
    def name(self) -> str:
        """As ``--device`` takes it."""

    @property
    def emulated(self) -> bool:
        """Its times are an emulator's."""

    @property
    def batch(self) -> int:
        """Candidates that go into one library."""

    @property
    def parallel(self) -> int:
        """Calls of `measure` that may run at once."""

    @property
    def cpu(self) -> int | None:
        """The CPU of this machine on which it measures, which builders leave alone; None where it is elsewhere."""

    def measure(self, kernels: Sequence[BuiltKernel], *, patient: bool = True) -> Iterable[Score]:
        """The score of each as soon as it is there, its numbers checked; one that crashes or hangs costs no other.

        Parameters
        ----------
        patient
            Take times that spread too much again after a pause.

        Raises
        ------
        EnvironmentProblem
            The device is gone for good.
        """

    def close(self) -> None:
        """Give everything back; a measurement that is under way ends soon, by an error."""
