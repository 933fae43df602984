"""Gates: limits that a bundle must keep, as options or as a TOML file, and whether it does."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tvm_mnv3.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Gates:
    """The limits; None is none.

    Parameters
    ----------
    min_top1, min_top5
        Pictures whose label is the best class, or among the best five, in per cent.
    max_top1_drop
        By how many points the bundle may be less often right than the reference.
    min_agreement
        Pictures whose best class is the reference's, in per cent.
    max_logit_error
        The largest difference from the reference's logits, in any picture, in per cent of their range.
    max_median_ms, max_p90_ms, max_p99_ms
        Latency in milliseconds.
    """

    min_top1: float | None = None
    min_top5: float | None = None
    max_top1_drop: float | None = None
    min_agreement: float | None = None
    max_logit_error: float | None = None
    max_median_ms: float | None = None
    max_p90_ms: float | None = None
    max_p99_ms: float | None = None

    def given(self) -> dict[str, float]:
        """The limits that are set, by name."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}

    def overridden_by(self, other: Gates) -> Gates:
        """These limits, and the other's where it has some."""
        return dataclasses.replace(self, **other.given())


@dataclass(frozen=True)
class GateResult:
    """A gate, and what was measured for it, in the gate's unit."""

    name: str
    limit: float
    measured: float
    passed: bool

    def sentence(self) -> str:
        """Such as ``min_top1: 71.4, at least 75 is asked``."""
        asked = "at least" if self.name.startswith("min_") else "at most"
        return f"{self.name}: {self.measured:.4g}, {asked} {self.limit:g} is asked"


#: What must be given for a gate to be measured.
_NEEDS = {
    "min_top1": "labels",
    "min_top5": "labels",
    "max_top1_drop": "labels and a reference",
    "min_agreement": "a reference",
    "max_logit_error": "a reference",
    "max_median_ms": "a device whose time counts (an emulated core has none)",
    "max_p90_ms": "a device whose time counts (an emulated core has none)",
    "max_p99_ms": "a device whose time counts (an emulated core has none)",
}


def read_gates(file: Path) -> Gates:
    """The table ``[gates]`` of a TOML file.

    Raises
    ------
    InputError
        The file cannot be read, or has something else in that table.
    """
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"--gates {file}: cannot be read as TOML ({error}).") from error
    table = data.get("gates")
    if not isinstance(table, dict):
        raise InputError(f"--gates {file}: it has no table [gates], with lines such as `min_top1 = 75.0`.")
    for name, value in table.items():
        if name not in _NEEDS:
            raise InputError(f"--gates {file}: there is no gate {name!r}; there are {', '.join(_NEEDS)}.")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InputError(f"--gates {file}: {name} = {value!r} is no number.")
    return Gates(**{name: float(value) for name, value in table.items()})


def check_gates(gates: Gates, measured: Mapping[str, float]) -> tuple[GateResult, ...]:
    """Each gate that is set, against what was measured.

    Parameters
    ----------
    measured
        By the gate's name, in its unit; what could not be measured is missing, which fails no gate silently: see
        `check_measurable`.
    """
    return tuple(
        GateResult(
            name, limit, measured[name], measured[name] >= limit if name.startswith("min_") else measured[name] <= limit
        )
        for name, limit in gates.given().items()
        if name in measured
    )


def check_measurable(gates: Gates, *, labels: bool, reference: bool, timed: bool) -> None:
    """Refuse a gate that nothing will be measured for.

    Raises
    ------
    InputError
        Names it, and what it needs.
    """
    there = {"min_top1": labels, "min_top5": labels, "max_top1_drop": labels and reference}
    there |= {"min_agreement": reference, "max_logit_error": reference}
    for name in gates.given():
        if not there.get(name, timed):
            raise InputError(f"The gate {name} needs {_NEEDS[name]}.")
