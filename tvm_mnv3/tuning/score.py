"""What comes of a candidate: a score, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """The outcome of one trial; the fields are those of `tvm_mnv3.tuning.entry.LogEntry`."""

    seconds: tuple[float, ...] = ()
    cycles: float | None = None
    model: str | None = None
    failure: str | None = None
    device: str = ""
    emulated: bool = False
    temperature: float | None = None
