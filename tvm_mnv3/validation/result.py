"""`Validation`: everything that ``validate`` found, frozen, and its JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tvm_mnv3.estimate.result import Estimate
from tvm_mnv3.measuring.latency import Latency
from tvm_mnv3.profiling.result import Profile
from tvm_mnv3.validation.accuracy import Accuracy, PictureAnswer
from tvm_mnv3.validation.gates import GateResult
from tvm_mnv3.validation.layers import LayerComparison

#: What ``kind`` says in the JSON.
KIND = "validation"


@dataclass(frozen=True)
class Skipped:
    """A picture that was left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Validation:
    """What was found of a bundle on a device.

    Parameters
    ----------
    model
        The bundle's manifest, apart from its kernels, labels and files' hashes.
    library_sha256
        Of the very library that ran.
    device, machine
        Where it ran; for this machine what it is.
    reference
        Name and framework, or None.
    date
        When, in UTC.
    labelled_by
        A table's name, ``folders``, or None.
    skipped
        Pictures that could not be read.
    partial
        Why not all was measured, or None.
    notes
        What the reader must know.
    accuracy
        None where not one picture was answered.
    latency
        None on an emulated core, which has none.
    counts
        Of an emulated core: instructions, modelled cycles and simulated cache misses; None where they are not counted.
    layers
        Each kernel against the reference, where asked.
    profile
        Time per kernel, where asked.
    pictures
        Every picture's answer.
    """

    model: Mapping[str, Any]
    library_sha256: str
    device: str
    machine: Mapping[str, Any]
    reference: Mapping[str, str] | None
    date: str
    labelled_by: str | None
    skipped: tuple[Skipped, ...]
    partial: str | None
    notes: tuple[str, ...]
    gates: tuple[GateResult, ...]
    accuracy: Accuracy | None
    latency: Latency | None
    counts: Estimate | None
    layers: LayerComparison | None
    profile: Profile | None
    pictures: tuple[PictureAnswer, ...]

    @property
    def passed(self) -> bool:
        """Whether everything was measured and every gate passed."""
        return self.partial is None and all(gate.passed for gate in self.gates)

    def disagreements(self, count: int) -> tuple[PictureAnswer, ...]:
        """The pictures that differ most from the reference (without one: that are wrong), the worst first."""
        if self.reference is None:
            wrong = [p for p in self.pictures if p.label is not None and p.best[0][0] != p.label]
            return tuple(sorted(wrong, key=lambda p: -p.best[0][1])[:count])
        return tuple(sorted(self.pictures, key=lambda p: (p.agrees, -(p.logit_error or 0.0)))[:count])

    def to_json(self) -> str:
        """As text, in which numbers that are none are null."""
        data = {"kind": KIND, "passed": self.passed, **dataclasses.asdict(self)}
        return json.dumps(finite(data), indent=1) + "\n"


def finite(value: Any) -> Any:
    """The same data with None for infinite numbers and what is no number, which JSON has no words for."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value
