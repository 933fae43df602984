"""Pools: devices behind a tracker, by name. What is not there yet is started, and ended with the pool."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tvm_mnv3.devices.adb import AdbAgent, find_phone
from tvm_mnv3.devices.farm import Farm
from tvm_mnv3.devices.model_file import read_model
from tvm_mnv3.devices.remote import RemoteAddress, RemoteSession, parse_address
from tvm_mnv3.devices.tracker import Tracker
from tvm_mnv3.errors import InputError
from tvm_mnv3.targets import core_names

_PHONE_KEY = "phone"


@contextmanager
def open_pool(name: str, *, count: int = 1, cores: str | None = None) -> Iterator[RemoteAddress]:
    """Devices to measure on, all behind one tracker under one key, as TVM's clients and MetaSchedule want them.

    Parameters
    ----------
    name
        ``emulated:CORE``: as many emulated devices as `count` says, and a tracker, on this machine;
        ``adb`` or ``adb:SERIAL``: an agent on that phone, and a tracker on this machine;
        ``rpc://HOST:PORT/KEY``: what is there, left as it is.
    count
        Of emulated devices.
    cores
        Of a phone at adb: which its sessions are pinned to (see `AdbAgent`).

    Raises
    ------
    InputError
        The name is none of these.
    EnvironmentProblem
        Something that is needed is missing or fails.
    """
    with ExitStack() as started:
        yield _start(name, count, cores, started)


def _start(name: str, count: int, cores: str | None, started: ExitStack) -> RemoteAddress:
    kind, _, detail = name.partition(":")
    if kind == "rpc":
        return parse_address(name)
    if kind == "emulated" and detail in core_names():
        farm = started.enter_context(Farm(detail, count=count))
        return RemoteAddress(*farm.address, farm.key)
    if kind == "adb":
        phone = find_phone(detail or None)
        tracker = started.enter_context(Tracker())
        started.enter_context(AdbAgent(phone, tracker, _PHONE_KEY, cores=cores))
        return RemoteAddress(tracker.host, tracker.port, _PHONE_KEY)
    raise InputError(
        f"{name!r} names no devices to measure on; write emulated:CORE ({', '.join(core_names())}), adb, adb:SERIAL or "
        "rpc://HOST:PORT/KEY."
    )


class AdbDevice:
    """A phone at adb, for bundles: the agent is there as long as a session is open.

    Parameters
    ----------
    serial
        The phone's; None for the only one.
    """

    def __init__(self, serial: str | None) -> None:
        self.name = f"adb:{serial}" if serial else "adb"

    def open(self, bundle: Path) -> RemoteSession:
        """Push the agent and upload the bundle's library (see `Device.open`)."""
        model = read_model(bundle)
        with ExitStack() as started:
            address = started.enter_context(open_pool(self.name))
            return RemoteSession(model, address.request(), started.pop_all())
