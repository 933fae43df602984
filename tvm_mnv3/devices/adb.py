"""Phones at adb: the agent is pushed, started and stopped there, and ports are forwarded both ways.

The library adbutils does the talking with the adb server. This road is tested against a stand-in for that server; it
has not met a phone yet.
"""

from __future__ import annotations

import json
import secrets
import shlex
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

from tvm_mnv3.devices.agent_program import agent_program
from tvm_mnv3.devices.report import DeviceReport, parse_report
from tvm_mnv3.devices.tracker import Tracker
from tvm_mnv3.errors import EnvironmentProblem, InputError

#: The folder in which adb's user may store and start programs.
_FOLDER = "/data/local/tmp"
_START_SECONDS = 20.0
_GLANCE_SECONDS = 0.5
_POLL_SECONDS = 0.2
#: Ports on the phone: adb's user may use any above 1024. From 32768 on the kernel hands them out to connections
#: (net.ipv4.ip_local_port_range), so that one of those may be taken at any moment.
_PORTS = range(20000, 30000)

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Phone:
    """A phone as the adb server lists it.

    Parameters
    ----------
    serial
        Names it to adb.
    model
        What its maker calls it; empty where adb does not say.
    state
        ``device`` when it can be used; ``unauthorized``, ``offline``, ...
    """

    serial: str
    model: str
    state: str


def attached_phones() -> tuple[Phone, ...]:
    """The phones that a running adb server knows; none where no server runs, and none is started."""
    client = _client()
    try:
        socket.create_connection((client.host, client.port), timeout=_GLANCE_SECONDS).close()
    except OSError:
        return ()
    return _list_phones(client)


def find_phone(serial: str | None) -> Phone:
    """The phone of that serial number, or the only one.

    Raises
    ------
    InputError
        There is no such phone, or several and none is named.
    EnvironmentProblem
        adb fails, or the phone does not let this computer in.
    """
    phones = _adb(lambda: _list_phones(_client()))
    named = [phone for phone in phones if serial in (None, phone.serial)]
    listed = ", ".join(f"{phone.serial} ({phone.state})" for phone in phones) or "none"
    if not named:
        raise InputError(f"adb knows no phone {serial or 'at all'}; it lists: {listed}. Is it plugged in?")
    if len(named) > 1:
        raise InputError(f"adb lists several phones: {listed}; name one, such as adb:{phones[0].serial}.")
    if named[0].state != "device":
        raise EnvironmentProblem(
            f"The phone {named[0].serial} cannot be used, adb says: {named[0].state}. Unlock it, and allow debugging "
            "by this computer."
        )
    return named[0]


def phone_report(phone: Phone) -> DeviceReport:
    """What a phone tells of itself: the agent is pushed, asked, and taken away.

    Raises
    ------
    EnvironmentProblem
        adb or the phone fails.
    """
    device = _client().device(serial=phone.serial)
    folder = _new_folder()

    def ask() -> DeviceReport:
        _push_agent(device, folder)
        said = str(device.shell(f"cd {folder} && exec ./agent --report"))
        try:
            return parse_report(json.loads(said))
        except (ValueError, KeyError) as error:
            raise EnvironmentProblem(f"The agent does not run on the phone {phone.serial}: {said.strip()}") from error

    try:
        return _adb(ask)
    finally:
        _quietly(lambda: device.shell(f"rm -rf {folder}"))


class AdbAgent:
    """An agent on a phone, offered to a tracker of this machine; also a context manager that ends it.

    Parameters
    ----------
    phone
        As `find_phone` finds it.
    tracker
        A tracker on this machine.
    key
        What clients ask the tracker for.
    cores
        Which cores sessions are pinned to: ``fastest``, ``slowest``, a core's name, or a list such as 4-7; None leaves
        the choice to the phone.

    Raises
    ------
    InputError
        It is no 64-bit ARM phone.
    EnvironmentProblem
        adb or the phone fails.
    """

    def __init__(self, phone: Phone, tracker: Tracker, key: str, *, cores: str | None = None) -> None:
        self.serial = phone.serial
        self._device: Any = _client().device(serial=phone.serial)
        self._tracker = tracker
        self._folder = _new_folder()
        self._stream: Any = None
        self._undo: list[Callable[[], object]] = []
        try:
            _adb(lambda: self._start(key, cores))
        except BaseException:
            self.close()
            raise

    def _start(self, key: str, cores: str | None) -> None:
        abis = self._shell("getprop ro.product.cpu.abilist64")
        if "arm64-v8a" not in abis.split(","):
            raise InputError(f"The phone {self.serial} runs no 64-bit ARM programs (it runs: {abis or 'not told'}).")
        self._undo.append(lambda: self._shell(f"rm -rf {self._folder}"))
        _push_agent(self._device, self._folder)
        here = _free_port()
        there, tracker_there = secrets.SystemRandom().sample(_PORTS, 2)
        self._device.forward(f"tcp:{here}", f"tcp:{there}")
        self._undo.append(lambda: self._device.forward_remove(f"tcp:{here}"))
        self._device.reverse(f"tcp:{tracker_there}", f"tcp:{self._tracker.port}")
        self._undo.append(lambda: self._device.reverse_remove(f"tcp:{tracker_there}"))
        options = [
            "--tracker", f"127.0.0.1:{tracker_there}", "--key", key, "--work", "work", "--port", str(there),
            "--announce", f"127.0.0.1:{here}", *(["--pin", cores] if cores else []), "--until-stdin-closes",
        ]  # fmt: skip
        # Into a file: nobody reads the stream, which would stop the agent once it is full.
        command = f"cd {self._folder} && exec ./agent {shlex.join(options)} >log 2>&1"
        self._stream = self._device.shell(command, stream=True)
        self._wait_until_listed(key, f"127.0.0.1:{here}")

    def _wait_until_listed(self, key: str, address: str) -> None:
        self._stream.conn.settimeout(_POLL_SECONDS)
        ended, deadline = False, time.monotonic() + _START_SECONDS
        while not any(device.address == address for device in self._tracker.summary().with_key(key)):
            if ended or time.monotonic() > deadline:
                said = self._shell(f"grep ^agent: {self._folder}/log | tail -n 1") or "it said nothing"
                raise EnvironmentProblem(f"The agent on the phone {self.serial} does not come up: {said}")
            with suppress(TimeoutError):
                ended = not self._stream.conn.recv(4096)

    def close(self) -> None:
        """End the agent and take away what it left: files and forwarded ports. A second call does nothing."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        while self._undo:
            # A phone that was unplugged took all of it along.
            _quietly(self._undo.pop())

    def _shell(self, command: str) -> str:
        return str(self._device.shell(command)).strip()

    def __enter__(self) -> AdbAgent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _new_folder() -> str:
    return f"{_FOLDER}/tvm-mnv3-{secrets.token_hex(4)}"


def _push_agent(device: Any, folder: str) -> None:
    device.shell(f"mkdir -p {folder}/work")
    device.sync.push(agent_program(), f"{folder}/agent", mode=0o755)
    device.shell(f"chmod 755 {folder}/agent")


def _list_phones(client: Any) -> tuple[Phone, ...]:
    phones = (Phone(info.serial, info.tags.get("model", ""), info.state) for info in client.list(extended=True))
    return tuple(sorted(phones, key=lambda phone: phone.serial))


def _client() -> Any:
    import adbutils

    # The server's address is in ANDROID_ADB_SERVER_HOST and ANDROID_ADB_SERVER_PORT, as for adb itself.
    return adbutils.AdbClient(socket_timeout=_START_SECONDS)


def _adb(action: Callable[[], _Result]) -> _Result:
    """Run what talks to adb; its own errors become this project's."""
    import adbutils

    try:
        return action()
    except (adbutils.AdbError, OSError) as error:
        raise EnvironmentProblem(f"adb failed: {error}. Does `adb devices` list the phone?") from error


def _quietly(step: Callable[[], object]) -> None:
    import adbutils

    try:
        step()
    except (adbutils.AdbError, OSError):
        return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
