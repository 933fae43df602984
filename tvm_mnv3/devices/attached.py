"""What there is to run on: this machine, the emulator, phones at adb, and devices behind a tracker."""

from __future__ import annotations

import os
import platform
import socket
from dataclasses import dataclass

from tvm_mnv3.devices.adb import Phone, attached_phones, phone_report
from tvm_mnv3.devices.emulated import find_emulator
from tvm_mnv3.devices.remote import RemoteAddress
from tvm_mnv3.devices.tracker import tracker_summary
from tvm_mnv3.errors import EnvironmentProblem, InputError

#: Where TVM's tracker listens unless told otherwise.
DEFAULT_TRACKER = ("127.0.0.1", 9190)

_GLANCE_SECONDS = 0.5


@dataclass(frozen=True)
class AttachedDevice:
    """A line of the list.

    Parameters
    ----------
    name
        As `open_device` or a pool takes it.
    cores
        In short, slowest cluster first.
    state
        ``ready``, ``free``, ``busy``, or what is missing.
    queue
        Requests that wait for a device of this name; None where nobody has to wait.
    hottest
        The highest temperature in degrees Celsius that the device tells of, or None.
    """

    name: str
    cores: str
    state: str
    queue: int | None = None
    hottest: float | None = None


def attached_devices(tracker: tuple[str, int] | None = None) -> tuple[AttachedDevice, ...]:
    """Everything that is attached.

    Parameters
    ----------
    tracker
        Host and port of a tracker whose devices are listed too; by default `DEFAULT_TRACKER`, if one listens there.

    Raises
    ------
    EnvironmentProblem
        The tracker that was asked for does not answer.
    """
    listed = [_this_machine(), _emulator(), *_phones()]
    if tracker is not None or _answers(DEFAULT_TRACKER):
        listed += _behind(*(tracker or DEFAULT_TRACKER))
    return tuple(listed)


def parse_tracker(text: str) -> tuple[str, int]:
    """``host:port`` as a pair.

    Raises
    ------
    InputError
        It is something else.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise InputError(f"{text!r} is no tracker's address; write HOST:PORT, such as 127.0.0.1:9190.")
    return host, int(port)


def _this_machine() -> AttachedDevice:
    return AttachedDevice("local", f"{len(os.sched_getaffinity(0))}x {platform.machine()}", "ready")


def _emulator() -> AttachedDevice:
    try:
        find_emulator()
    except EnvironmentProblem:
        return AttachedDevice("emulated:CORE", "as `tvm-mnv3 targets` lists them", "qemu-aarch64 is not installed")
    return AttachedDevice("emulated:CORE", "as `tvm-mnv3 targets` lists them", "ready")


def _phones() -> list[AttachedDevice]:
    return [_phone(phone) for phone in attached_phones()]


def _phone(phone: Phone) -> AttachedDevice:
    name = f"adb:{phone.serial}"
    if phone.state != "device":
        return AttachedDevice(name, phone.model or "not told", phone.state)
    try:
        report = phone_report(phone)
    except EnvironmentProblem:
        return AttachedDevice(name, phone.model or "not told", "runs no agent")
    return AttachedDevice(name, report.cores_in_short, "ready", hottest=report.hottest)


def _behind(host: str, port: int) -> list[AttachedDevice]:
    summary = tracker_summary(host, port)
    return [
        AttachedDevice(
            name=RemoteAddress(host, port, device.key).name,
            cores=device.report.cores_in_short if device.report else "not told",
            state=device.state,
            queue=summary.queues[device.key].waiting if device.key in summary.queues else 0,
            hottest=device.report.hottest if device.report else None,
        )
        for device in summary.devices
    ]


def _answers(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=_GLANCE_SECONDS).close()
    except OSError:
        return False
    return True
