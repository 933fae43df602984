"""Devices by name."""

from __future__ import annotations

from tvm_mnv3.devices.device import Device
from tvm_mnv3.devices.emulated import EmulatedDevice
from tvm_mnv3.devices.local import LocalDevice
from tvm_mnv3.devices.pool import AdbDevice
from tvm_mnv3.devices.remote import RemoteDevice, parse_address
from tvm_mnv3.errors import InputError
from tvm_mnv3.targets import core_names


def device_names() -> tuple[str, ...]:
    """Every name of `open_device` that needs nothing but this machine."""
    return ("local", *(f"emulated:{core}" for core in core_names()))


def open_device(name: str) -> Device:
    """The device of that name.

    Parameters
    ----------
    name
        ``local``; ``emulated:CORE`` with a core of `core_names`; ``rpc://HOST:PORT/KEY``, the next free device of that
        key behind the tracker at that address; ``adb``, the only phone at adb, or ``adb:SERIAL``, one of several.

    Raises
    ------
    InputError
        There is none of that name.
    """
    if name.startswith("rpc:"):
        return RemoteDevice(parse_address(name))
    if name == "adb" or name.startswith("adb:"):
        return AdbDevice(name.removeprefix("adb").removeprefix(":") or None)
    if name not in device_names():
        raise InputError(
            f"There is no device {name!r}; choose one of {', '.join(device_names())}, adb, adb:SERIAL or "
            "rpc://HOST:PORT/KEY."
        )
    return LocalDevice() if name == "local" else EmulatedDevice(name.removeprefix("emulated:"))
