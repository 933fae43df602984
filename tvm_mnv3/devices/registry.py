"""Devices by name."""

from __future__ import annotations

from tvm_mnv3.devices.device import Device
from tvm_mnv3.devices.emulated import EmulatedDevice
from tvm_mnv3.devices.local import LocalDevice
from tvm_mnv3.errors import InputError
from tvm_mnv3.targets import core_names


def device_names() -> tuple[str, ...]:
    """Every name that `open_device` takes."""
    return ("local", *(f"emulated:{core}" for core in core_names()))


def open_device(name: str) -> Device:
    """The device of that name: ``local``, or ``emulated:CORE`` with a core of `core_names`.

    Raises
    ------
    InputError
        There is none of that name.
    """
    if name not in device_names():
        raise InputError(f"There is no device {name!r}; choose one of {', '.join(device_names())}.")
    return LocalDevice() if name == "local" else EmulatedDevice(name.removeprefix("emulated:"))
