"""TVM's tracker: the desk at which agents offer their devices and clients ask for them."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from tvm_mnv3.devices.report import DeviceReport, parse_report
from tvm_mnv3.errors import EnvironmentProblem

#: Of the tracker's protocol (tvm/rpc/base.py).
_MAGIC = 0x2F271
_SUMMARY = 6
_SUCCESS = 0

_PATIENCE_SECONDS = 5.0
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ListedDevice:
    """A device as the tracker lists it.

    Parameters
    ----------
    key
        What clients ask for; several devices may have the same.
    address
        Where its agent listens, ``host:port``.
    state
        ``free``, ``busy``, or ``unknown`` of a server that is not this project's agent.
    report
        What its agent told of it when its state changed last.
    """

    key: str
    address: str
    state: str
    report: DeviceReport | None


@dataclass(frozen=True)
class Queue:
    """How a key is in demand.

    Parameters
    ----------
    free
        Devices that wait for work.
    waiting
        Requests that wait for a device.
    """

    free: int
    waiting: int


@dataclass(frozen=True)
class TrackerSummary:
    """What a tracker knows: the devices, and a queue for each key that was ever offered or asked for."""

    devices: tuple[ListedDevice, ...]
    queues: dict[str, Queue] = field(default_factory=dict)

    def with_key(self, key: str) -> tuple[ListedDevice, ...]:
        """The devices of one key."""
        return tuple(device for device in self.devices if device.key == key)


class Tracker:
    """A tracker in a process of its own; also a context manager that ends it.

    Parameters
    ----------
    host
        The address to listen on: this machine alone, unless told otherwise.
    port
        The port; 0 takes a free one.

    Raises
    ------
    EnvironmentProblem
        The port is taken.
    """

    def __init__(self, host: str = _LOOPBACK, port: int = 0) -> None:
        self.host = host
        self.port = _checked_port(host, port)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tvm_mnv3.devices.tracker_process", host, str(self.port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            # A Ctrl-C at the terminal is for the one who started the tracker, and who ends it.
            start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            _, said = self._process.communicate()
            last = (said.strip().splitlines() or ["it said nothing"])[-1]
            raise EnvironmentProblem(f"A tracker cannot be started on {host}:{self.port}: {last}")

    def summary(self) -> TrackerSummary:
        """As `tracker_summary`."""
        return tracker_summary(_LOOPBACK if self.host == "0.0.0.0" else self.host, self.port)

    def close(self) -> None:
        """End it; a second call does nothing."""
        if self._process.stdin is None or self._process.stdin.closed:
            return
        self._process.communicate()  # closes its standard input, which ends it

    def __enter__(self) -> Tracker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def tracker_summary(host: str, port: int) -> TrackerSummary:
    """Ask a tracker what it knows.

    Raises
    ------
    EnvironmentProblem
        No tracker answers there.
    """
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE_SECONDS) as connection:
            connection.sendall(struct.pack("<i", _MAGIC))
            if struct.unpack("<i", _receive(connection, 4))[0] != _MAGIC:
                raise EnvironmentProblem(f"What answers at {host}:{port} is no tracker of TVM's.")
            request = json.dumps([_SUMMARY]).encode()
            connection.sendall(struct.pack("<i", len(request)) + request)
            (size,) = struct.unpack("<i", _receive(connection, 4))
            code, summary = json.loads(_receive(connection, size))
    except (OSError, ValueError) as error:
        raise EnvironmentProblem(
            f"The tracker {host}:{port} does not answer ({error}); start one with `tvm-mnv3 farm`, or name the one "
            "that your devices are at."
        ) from error
    if code != _SUCCESS:
        raise EnvironmentProblem(f"The tracker {host}:{port} refuses to tell what it knows.")
    return _parse(summary)


def _parse(summary: dict[str, Any]) -> TrackerSummary:
    devices = [
        ListedDevice(
            key=str(info["key"]).removeprefix("server:"),
            address=":".join(map(str, info["addr"])),
            state=str(info.get("state", "unknown")),
            report=parse_report(info["report"]) if "report" in info else None,
        )
        for info in summary["server_info"]
    ]
    queues = {key: Queue(queue["free"], queue["pending"]) for key, queue in summary["queue_info"].items()}
    return TrackerSummary(tuple(sorted(devices, key=lambda device: (device.key, device.address))), queues)


def _receive(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise OSError("it hung up")
        data += piece
    return data


def _checked_port(host: str, port: int) -> int:
    """A port that can be listened on at this moment."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return int(probe.getsockname()[1])
    except OSError as error:
        raise EnvironmentProblem(
            f"A tracker cannot listen on {host}:{port} ({error.strerror}); choose another port."
        ) from error
