"""What a device's agent tells of it: cores, clocks, governors, temperatures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class DeviceCore:
    """A processor core as the device's kernel describes it.

    Parameters
    ----------
    number
        As the kernel counts.
    name
        ``cortex-a76``; empty where the kernel does not say.
    cluster
        Cores alike have one number; 0 is the slowest cluster.
    online
        Whether the kernel uses it at the moment.
    min_khz, max_khz, now_khz
        Clocks; 0 where the kernel does not say.
    governor
        What rules its clock (``schedutil``, ``performance``); empty where the kernel does not say.
    """

    number: int
    name: str
    cluster: int
    online: bool
    min_khz: int
    max_khz: int
    now_khz: int
    governor: str


@dataclass(frozen=True)
class DeviceReport:
    """A device at one moment.

    Parameters
    ----------
    system
        ``Linux 5.10.43``.
    machine
        ``aarch64``.
    emulated
        Whether it is no real device, so that its times are an emulator's.
    allowed
        The numbers of the cores that the agent may run on.
    temperatures
        Degrees Celsius by sensor; a sensor's name that comes twice has its number behind it.
    """

    system: str
    machine: str
    emulated: bool
    cores: tuple[DeviceCore, ...]
    allowed: tuple[int, ...]
    temperatures: Mapping[str, float]

    @property
    def hottest(self) -> float | None:
        """The highest temperature in degrees Celsius; None without a sensor."""
        return max(self.temperatures.values(), default=None)

    @property
    def cores_in_short(self) -> str:
        """``4x cortex-a55 1.80 GHz, 4x cortex-a76 2.84 GHz``: clusters, slowest first, with their highest clocks."""
        alike = Counter((core.cluster, core.name or "unknown", core.max_khz) for core in self.cores)
        clocks = {khz: f" {khz / 1e6:.2f} GHz" if khz else "" for _, _, khz in alike}
        return ", ".join(f"{count}x {name}{clocks[khz]}" for (_, name, khz), count in sorted(alike.items()))


def parse_report(report: Mapping[str, Any]) -> DeviceReport:
    """The JSON of runtime/agent/report.h as a value."""
    cores = tuple(
        DeviceCore(
            number=core["number"], name=core["name"], cluster=core["cluster"], online=bool(core["online"]),
            min_khz=core["min_khz"], max_khz=core["max_khz"], now_khz=core["now_khz"], governor=core["governor"],
        )
        for core in report["cores"]
    )  # fmt: skip
    temperatures: dict[str, float] = {}
    for number, reading in enumerate(report["temperatures"]):
        sensor = reading["sensor"] or "sensor"
        name = f"{sensor} {number}" if sensor in temperatures else sensor
        temperatures[name] = reading["millidegrees"] / 1000
    return DeviceReport(
        system=report["system"], machine=report["machine"], emulated=bool(report["emulated"]), cores=cores,
        allowed=tuple(report["allowed"]), temperatures=temperatures,
    )  # fmt: skip
