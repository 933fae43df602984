"""`LogEntry`: one trial of one kernel, as a line of a tuning log holds it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

#: Raised when a reader of an older log would misread a newer one.
LOG_VERSION = 1
#: Timings that spread more than this are repeated, and trusted less (the middle half of them, in parts of the median).
CALM_SPREAD = 0.1

SPACES = ("template", "generated")


class Trust(IntEnum):
    """How far an entry's score may be trusted: a lower one outranks a higher one, whatever their scores."""

    #: Measured in turns with the default at the end of a run (`tvm_mnv3.tuning.contest`), and the one to use.
    CONFIRMED = 0
    MEASURED = 1
    NOISY = 2
    MODELLED = 3
    #: Wall time of an emulator says nothing of a phone's: such an entry is never used by ``compile``.
    EMULATED = 4
    FAILED = 5


@dataclass(frozen=True)
class LogEntry:
    """A trial.

    Parameters
    ----------
    workload
        Its name, see `tvm_mnv3.workload`.
    core
        What the kernel was compiled for, as `log_core` names it.
    space
        ``template``, or ``generated`` for knobs that are a trace of TVM's schedule.
    template, template_version
        The template's operator and version: knobs mean nothing to another one.
    knobs
        As a JSON object.
    device
        Where it ran: ``local``, ``rpc://HOST:PORT/KEY (SERIAL)``, ``model:cortex-a76``.
    seconds
        Measured times of one run, one per repeat; empty where nothing was measured.
    cycles, model
        Modelled cycles of one run, and the model's name (`tvm_mnv3.estimate.core_models`).
    failure
        Why there is no score: one sentence.
    emulated
        The times are an emulator's.
    rounds
        Of a contest (`tvm_mnv3.tuning.contest`), and the times are one of each; 0 for a trial.
    temperature
        Of the device at the end of the measurement, in degrees Celsius; None where it is not known.
    versions
        Of tvm-mnv3 and apache-tvm.
    date
        UTC, ISO 8601 with seconds.
    """

    workload: str
    core: str
    space: str
    template: str
    template_version: int
    knobs: Mapping[str, Any]
    device: str
    versions: Mapping[str, str]
    date: str
    seconds: tuple[float, ...] = ()
    cycles: float | None = None
    model: str | None = None
    failure: str | None = None
    emulated: bool = False
    rounds: int = 0
    temperature: float | None = None

    @property
    def trust(self) -> Trust:
        """How far the score may be trusted."""
        if self.failure is not None or (not self.seconds and self.cycles is None):
            return Trust.FAILED
        if not self.seconds:
            return Trust.MODELLED
        if self.emulated:
            return Trust.EMULATED
        if self.rounds:
            return Trust.CONFIRMED
        return Trust.MEASURED if self.spread <= CALM_SPREAD else Trust.NOISY

    @property
    def score(self) -> float:
        """The median of the times in seconds, or modelled cycles; infinite for a failure. Lower is better."""
        if self.trust == Trust.FAILED:
            return float("inf")
        return float(np.median(self.seconds)) if self.seconds else float(self.cycles or 0.0)

    @property
    def spread(self) -> float:
        """The width of the middle half of the times, in parts of their median; 0 where nothing was measured."""
        return relative_spread(self.seconds)

    def to_json(self) -> str:
        """One line, without the newline; what is not known is left out."""
        fields = {"log_version": LOG_VERSION, **dataclasses.asdict(self)}
        if self.seconds:
            fields["spread"] = round(self.spread, 4)
        return json.dumps({key: value for key, value in fields.items() if value not in (None, (), False)})

    @classmethod
    def from_json(cls, line: str) -> LogEntry:
        """The entry of such a line.

        Raises
        ------
        ValueError
            It is none; the message says what is wrong.
        """
        data = json.loads(line)
        if not isinstance(data, dict):
            raise ValueError("it is not a JSON object")
        version = data.pop("log_version", None)
        if version != LOG_VERSION:
            raise ValueError(f"its log_version is {version!r}, and this tvm-mnv3 reads {LOG_VERSION}")
        data.pop("spread", None)
        try:
            entry = cls(**{**data, "seconds": tuple(map(float, data.get("seconds", ())))})
        except TypeError as error:
            raise ValueError(str(error).replace("LogEntry.__init__() ", "")) from error
        if not isinstance(entry.knobs, dict) or not isinstance(entry.workload, str) or entry.space not in SPACES:
            raise ValueError("its workload, space or knobs are not of their types")
        return entry


def relative_spread(seconds: Sequence[float]) -> float:
    """The width of the middle half of some times, in parts of their median."""
    if len(seconds) < 2:
        return 0.0
    low, middle, high = np.quantile(seconds, (0.25, 0.5, 0.75))
    return float((high - low) / middle) if middle > 0 else 0.0


def best_of(entries: Sequence[LogEntry]) -> LogEntry | None:
    """The entry to use: the most trustworthy, and among equals the fastest; None where all failed.

    Of contests the last one decides, whose winner is its last entry: it saw what the ones before had found.
    """
    confirmed = [entry for entry in entries if entry.trust == Trust.CONFIRMED]
    if confirmed:
        return max(reversed(confirmed), key=lambda entry: entry.date)
    best = min(entries, key=lambda entry: (entry.trust, entry.score), default=None)
    return best if best is not None and best.trust < Trust.FAILED else None
