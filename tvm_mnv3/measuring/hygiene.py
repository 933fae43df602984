"""What keeps a measurement clean, and what tells afterwards whether it was: pinning, clock, governor, temperature."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_CPUS = Path("/sys/devices/system/cpu")
_THERMAL = Path("/sys/class/thermal")
#: What the kernel's drivers call the sensors of CPUs (x86: coretemp and k10temp's zones; ARM: names with "cpu").
_CPU_ZONES = ("x86_pkg_temp", "cpu", "soc", "acpitz")


@dataclass(frozen=True)
class MachineState:
    """What the machine tells of a CPU at one moment; None where it does not tell.

    Parameters
    ----------
    clock_mhz
        Of the first CPU that is measured on.
    temperature_c
        Of the CPUs' sensor.
    governor
        Of the clock: ``performance``, ``schedutil``, ...
    load
        Of the last minute (how many programs wanted to run).
    """

    clock_mhz: float | None
    temperature_c: float | None
    governor: str | None
    load: float


def machine_state(cpu: int) -> MachineState:
    """The state of that CPU now."""
    frequency = _CPUS / f"cpu{cpu}" / "cpufreq"
    kilohertz = _number(frequency / "scaling_cur_freq")
    return MachineState(
        clock_mhz=kilohertz / 1000 if kilohertz is not None else _clock_of_cpuinfo(cpu),
        temperature_c=_temperature(),
        governor=_text(frequency / "scaling_governor"),
        load=round(os.getloadavg()[0], 2),
    )


@contextmanager
def pinned(cpus: Sequence[int]) -> Iterator[None]:
    """Keep this thread, and those that it starts, on these CPUs until the block ends."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _clock_of_cpuinfo(cpu: int) -> float | None:
    """Where the kernel has no driver of the clock (virtual machines), x86 still shows it in /proc/cpuinfo."""
    for block in (_text(Path("/proc/cpuinfo")) or "").split("\n\n"):
        fields = dict(line.split(":", 1) for line in block.splitlines() if ":" in line)
        values = {name.strip(): value.strip() for name, value in fields.items()}
        if values.get("processor") == str(cpu) and "cpu MHz" in values:
            return float(values["cpu MHz"])
    return None


def _temperature() -> float | None:
    for zone in sorted(_THERMAL.glob("thermal_zone*")):
        if (_text(zone / "type") or "").lower().startswith(_CPU_ZONES):
            milli = _number(zone / "temp")
            return milli / 1000 if milli is not None else None
    return None


def _number(file: Path) -> float | None:
    text = _text(file)
    return float(text) if text is not None and text.lstrip("-").isdecimal() else None


def _text(file: Path) -> str | None:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None
