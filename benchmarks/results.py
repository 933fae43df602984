"""What a run of the benchmark found, as data: `Results` and its JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.runtimes import OURS
from tvm_mnv3.codegen.files import replacing
from tvm_mnv3.measuring.roofline import Roofline
from tvm_mnv3.measuring.rounds import Measurement

PRECISION = "fp32"


@dataclass(frozen=True)
class Result:
    """One runtime's times for one network on that many threads.

    Parameters
    ----------
    difference
        Largest difference from PyTorch's logits, as a share of their range.
    runs
        How many inferences were timed.
    round_medians_ms
        The median of each round: whether the machine kept its pace.
    """

    model: str
    threads: int
    precision: str
    runtime: str
    version: str
    median_ms: float
    p10_ms: float
    p90_ms: float
    difference: float
    runs: int
    round_medians_ms: tuple[float, ...]


@dataclass(frozen=True)
class Missing:
    """A runtime that could not be timed, and why."""

    model: str
    threads: int
    runtime: str
    reason: str


@dataclass(frozen=True)
class Results:
    """Everything that one run of the benchmark found.

    Parameters
    ----------
    machine
        As of `tvm_mnv3.measuring.machine.describe_machine`.
    date, command
        When and how it was started.
    multiply_adds
        Of one inference, by model.
    roofline
        By number of threads.
    """

    machine: Mapping[str, Any]
    date: str
    command: str
    multiply_adds: Mapping[str, int]
    results: Sequence[Result]
    missing: Sequence[Missing]
    roofline: Mapping[int, Roofline]

    def of(self, model: str, threads: int) -> list[Result]:
        """The results of one contest, the fastest first."""
        found = [result for result in self.results if (result.model, result.threads) == (model, threads)]
        return sorted(found, key=lambda result: result.median_ms)

    def fastest_peer(self, model: str, threads: int) -> Result | None:
        """The fastest runtime that is not this project."""
        return next((result for result in self.of(model, threads) if result.runtime != OURS), None)

    def write_json(self, path: Path) -> None:
        """Write all of it; the file appears whole or not at all."""
        with replacing(path) as unfinished:
            unfinished.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def result_of(
    measurement: Measurement, *, model: str, threads: int, runtime: str, version: str, difference: float
) -> Result:
    """A measurement in milliseconds, to the nanosecond."""

    def milliseconds(seconds: float) -> float:
        return round(seconds * 1e3, 6)

    return Result(
        model=model,
        threads=threads,
        precision=PRECISION,
        runtime=runtime,
        version=version,
        median_ms=milliseconds(measurement.percentile(50)),
        p10_ms=milliseconds(measurement.percentile(10)),
        p90_ms=milliseconds(measurement.percentile(90)),
        difference=float(f"{difference:.3g}"),
        runs=len(measurement.seconds),
        round_medians_ms=tuple(map(milliseconds, measurement.round_medians)),
    )
