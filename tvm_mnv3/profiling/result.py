"""`Profile`: where the time of a bundle goes, and its JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tvm_mnv3.measuring.hygiene import MachineState
from tvm_mnv3.measuring.roofline import Roofline

#: What ``kind`` says in the JSON.
KIND = "profile"


@dataclass(frozen=True)
class StepTime:
    """One step of a run.

    Parameters
    ----------
    step
        Its number, from 0.
    kernel, workload, knobs, origin
        As in the bundle's manifest; the kernel of a copy is ``copy``.
    layers
        The source's layers in it.
    microseconds
        The mean over the typical runs, whose whole time is within 5 % of the median, so that the steps' times add up.
    p10, p90
        Of all runs, in microseconds.
    multiply_adds, bytes
        Of one run: what it computes; what it must read and write, each operand once.
    bound
        The least time that multiply-adds and bytes allow on this machine, in microseconds: the roofline.
    """

    step: int
    kernel: str
    workload: str | None
    knobs: Mapping[str, Any]
    origin: str
    layers: tuple[str, ...]
    microseconds: float
    p10: float
    p90: float
    multiply_adds: int
    bytes: int
    bound: float

    @property
    def of_bound(self) -> float:
        """How much of the roofline it reaches, from 0 to about 1."""
        return self.bound / self.microseconds

    @property
    def gmac_per_second(self) -> float:
        """Multiply-adds, 1e9 per second."""
        return self.multiply_adds / self.microseconds / 1e3


@dataclass(frozen=True)
class Profile:
    """Where the time goes.

    Parameters
    ----------
    name, precision
        Of the model, as in its manifest.
    device, machine, date
        Where and when.
    threads, runs
        How many threads worked; how many runs of each kind count.
    whole_ms
        The median of the library's own runs, unprofiled, which took turns with the profiled ones.
    profiled_ms
        The median of the profiled runs.
    roofline
        What was measured of the machine in the same minute.
    before, after
        What the machine told.
    steps
        In order.
    sample
        Nanoseconds of each step of the run whose whole time is the median: what the trace shows.
    """

    name: str
    precision: str
    device: str
    machine: Mapping[str, Any]
    date: str
    threads: int
    runs: int
    whole_ms: float
    profiled_ms: float
    roofline: Roofline
    before: MachineState
    after: MachineState
    steps: tuple[StepTime, ...]
    sample: tuple[int, ...]

    @property
    def sum_ms(self) -> float:
        """All steps together."""
        return sum(step.microseconds for step in self.steps) / 1e3

    @property
    def covered(self) -> float:
        """The steps' sum as a share of the unprofiled median."""
        return self.sum_ms / self.whole_ms

    @property
    def overhead(self) -> float:
        """How much longer a profiled run is, as a share."""
        return self.profiled_ms / self.whole_ms - 1

    def to_json(self) -> str:
        """As text."""
        return json.dumps({"kind": KIND, **dataclasses.asdict(self)}, indent=1) + "\n"

    def to_trace(self) -> str:
        """One run as a Chrome trace (chrome://tracing, ui.perfetto.dev): times in microseconds."""
        events, start = [], 0.0
        for step, nanoseconds in zip(self.steps, self.sample, strict=True):
            duration = nanoseconds / 1e3
            arguments = {
                "layers": list(step.layers), "multiply_adds": step.multiply_adds, "bytes": step.bytes,
                "share of the roofline": round(step.of_bound, 3), "knobs": dict(step.knobs), "origin": step.origin,
            }  # fmt: skip
            common = {"ph": "X", "pid": 1, "tid": 1, "cat": (step.workload or "fallback").split("_")[0]}
            events.append({"name": step.kernel, "ts": start, "dur": duration, "args": arguments, **common})
            start += duration
        head = {"ph": "M", "pid": 1, "name": "process_name", "args": {"name": f"{self.name} on {self.device}"}}
        return json.dumps({"traceEvents": [head, *events], "displayTimeUnit": "ns"}, indent=1) + "\n"
