"""Which entries of a log are a run's own, so that it goes on from there."""

from __future__ import annotations

from collections.abc import Iterable

from tvm_mnv3.targets import Core
from tvm_mnv3.tuning.device import TuningDevice
from tvm_mnv3.tuning.entry import LogEntry
from tvm_mnv3.tuning.trustworthy import problem_with


def earlier_entries(entries: Iterable[LogEntry], device: TuningDevice, generated: bool, core: Core) -> list[LogEntry]:
    """The trials and contests that count: on such a device, in the same kind of space, with today's templates.

    What an emulated device gave does not count when a real one answers to the same name, nor the other way round.

    Parameters
    ----------
    generated
        The run searches TVM's generated space.
    """
    return [
        entry
        for entry in entries
        if _kind(entry.device) == _kind(device.name)
        and entry.emulated == device.emulated
        and (entry.space == "generated") == generated
        and problem_with(entry, core) is None
    ]


def _kind(device: str) -> str:
    """Of devices behind a tracker the key: the tracker may be another one tomorrow."""
    return f"rpc/{device.rpartition('/')[2]}" if device.startswith("rpc:") else device
