"""``compare``: what changed from one result to another, of ``validate``, ``profile`` or ``bench``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tvm_mnv3.errors import InputError

#: Whether less or more of a number is better.
LOWER, HIGHER = "lower", "higher"

#: What makes two latencies incomparable, and what is told if it differs.
_FACTS = (
    ("device", "device"),
    ("machine", "machine.cpu"),
    ("threads", "latency.threads"),
    ("threads of the profile", "profile.threads"),
    ("model", "model.name"),
    ("weights", "model.provenance.weights_sha256"),
    ("target", "model.target"),
    ("precision", "model.precision"),
    ("weights stored as", "model.weights_storage"),
    ("preprocessing", "model.preprocessing"),
    ("versions", "model.versions"),
    ("reference", "reference"),
    ("library's SHA-256", "library_sha256"),
)


@dataclass(frozen=True)
class Change:
    """One number before and after; None where a side has none.

    Parameters
    ----------
    unit
        ``ms``, ``bytes``, ...; of ``points`` differences are compared, of anything else ratios.
    better
        `LOWER` or `HIGHER`.
    is_worse
        Whether it got worse by more than the threshold.
    """

    name: str
    unit: str
    better: str
    before: float | None
    after: float | None
    is_worse: bool

    @property
    def difference(self) -> float | None:
        """In points, or in per cent of before; None without both sides."""
        if self.before is None or self.after is None:
            return None
        if self.unit == "points":
            return self.after - self.before
        return 100 * (self.after / self.before - 1) if self.before else None


@dataclass(frozen=True)
class Comparison:
    """What changed.

    Parameters
    ----------
    kind
        Of both results: ``validation``, ``profile`` or ``bench``.
    changes
        The numbers that a threshold holds for.
    kernels
        Microseconds of each kernel, all its uses together, the largest change first; no threshold holds for them.
    facts
        By name: what is not the same in both.
    """

    kind: str
    changes: tuple[Change, ...]
    kernels: tuple[Change, ...]
    facts: Mapping[str, tuple[str, str]]

    @property
    def worse(self) -> tuple[Change, ...]:
        """What got worse by more than the threshold."""
        return tuple(change for change in self.changes if change.is_worse)


def compare(before: Path, after: Path, *, threshold: float = 5.0, points: float = 0.5) -> Comparison:
    """Compare two JSON files.

    Parameters
    ----------
    threshold
        By how many per cent a time, a size or a count may get worse.
    points
        By how many points an accuracy or an agreement may.

    Raises
    ------
    InputError
        A file cannot be read, or they are of different kinds.
    """
    first, second = _read(before), _read(after)
    if first["kind"] != second["kind"]:
        raise InputError(f"{before} is a {first['kind']} and {after} a {second['kind']}: they cannot be compared.")
    one, two = _numbers(first), _numbers(second)
    changes = [_change(name, one.get(name), two.get(name), threshold, points) for name in dict.fromkeys((*one, *two))]
    kernels = _kernel_changes(first, second)
    facts = {
        name: (_text(_at(first, path)), _text(_at(second, path)))
        for name, path in _FACTS
        if _at(first, path) != _at(second, path)
    }
    return Comparison(str(first["kind"]), tuple(changes), kernels, facts)


def _read(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as JSON ({error}).") from error
    if not isinstance(data, dict) or data.get("kind") not in ("validation", "profile", "bench"):
        raise InputError(f"{file} is not what validate, profile or bench wrote with --json.")
    return data


@dataclass(frozen=True)
class _Number:
    value: float
    unit: str
    better: str


def _numbers(data: Mapping[str, Any]) -> dict[str, _Number]:
    found: dict[str, _Number] = {}

    def add(name: str, value: Any, unit: str, better: str = LOWER) -> None:
        if isinstance(value, (int, float)):
            found[name] = _Number(float(value), unit, better)

    if data["kind"] == "bench":
        for entry in data["entries"]:
            add(entry["name"], entry["median_ms"], "ms")
        return found
    for name in ("top1", "top5", "agreement"):
        add(name, _at(data, f"accuracy.{name}.value"), "points", HIGHER)
    add("largest logit error, % of range", _at(data, "accuracy.largest_logit_error"), "points")
    times = _at(data, "latency.milliseconds")
    if times:
        for name, percent in (("median", 50), ("p90", 90), ("p99", 99)):
            add(f"latency, {name}", _percentile(times, percent), "ms")
    add("unprofiled median of the profile", _at(data, "profile.whole_ms") or data.get("whole_ms"), "ms")
    for name, value in (_at(data, "model.sizes") or {}).items():
        add(name.replace("_", "-"), value, "" if name == "multiply_adds" else "bytes")
    add("instructions", _at(data, "counts.total.instructions"), "")
    for model, value in (_at(data, "counts.total.cycles") or {}).items():
        add(f"cycles, {model}", value, "")
    return found


def _percentile(values: list[float], percent: int) -> float:
    return float(np.percentile(values, percent))


def _change(name: str, one: _Number | None, two: _Number | None, threshold: float, points: float) -> Change:
    known = one or two
    assert known is not None
    before, after = (number.value if number is not None else None for number in (one, two))
    change = Change(name, known.unit, known.better, before, after, False)
    if change.difference is None:
        return change
    worsened = change.difference if known.better == LOWER else -change.difference
    limit = points if known.unit == "points" else threshold
    return Change(name, known.unit, known.better, before, after, worsened > limit)


def _kernel_changes(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[Change, ...]:
    one, two = _kernel_times(first), _kernel_times(second)
    changes = [Change(name, "us", LOWER, one.get(name), two.get(name), False) for name in dict.fromkeys((*one, *two))]
    return tuple(sorted(changes, key=lambda c: -abs((c.after or 0.0) - (c.before or 0.0))))


def _kernel_times(data: Mapping[str, Any]) -> dict[str, float]:
    steps = data.get("steps") if data["kind"] == "profile" else _at(data, "profile.steps")
    times: Counter[str] = Counter()
    for step in steps or ():
        times[step["kernel"]] += step["microseconds"]
    return dict(times)


def _at(data: Mapping[str, Any], path: str) -> Any:
    """What lies at ``a.b.c``; None where something on the way is missing."""
    value: Any = data
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    return str(value) if value is not None else "-"
