"""A stand-in for the adb server with one phone: its files lie in a folder, its programs run under the emulator.

It speaks adb's protocol (Android's SERVICES.TXT and SYNC.TXT) as far as adbutils needs it here.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

OKAY, FAIL = b"OKAY", b"FAIL"
PHONE_FOLDER = "/data/local/tmp"


class StandInServer:
    """The server; `commands` holds every service that was asked for."""

    def __init__(self, folder: Path, emulator: str, *, serial: str = "0A1B2C", abis: str = "arm64-v8a") -> None:
        self.serial, self.state = serial, "device"
        self.commands: list[str] = []
        self.folder = folder / "phone"
        self.files = self.folder / PHONE_FOLDER.lstrip("/")
        self.files.mkdir(parents=True)
        programs = folder / "bin"
        programs.mkdir()
        (programs / "getprop").write_text(f"#!/bin/sh\ntest $1 = ro.product.cpu.abilist64 && echo {abis}\n")
        (programs / "getprop").chmod(0o755)
        self._environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
        self._emulator = emulator
        self._relays: dict[str, Relay] = {}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def forwarded(self) -> list[str]:
        """The forwards, both ways, that are open."""
        return sorted(self._relays)

    def unplug(self) -> None:
        """As when the cable is pulled."""
        self.state = "offline"
        for relay in self._relays.values():
            relay.close()
        self._relays.clear()
        for process in self._processes:
            hang_up(process)

    def close(self) -> None:
        self.unplug()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._answer(connection)
            except (OSError, EOFError):
                return

    def _answer(self, connection: socket.socket) -> None:
        command = self._read_command(connection)
        if command == "host:version":
            send_block(connection, "0029")
        elif command == "host:devices-l":
            send_block(connection, f"{self.serial}\t{self.state} product:x model:Stand_In device:x transport_id:1\n")
        elif command == f"host:tport:serial:{self.serial}" and self.state == "device":
            connection.sendall(OKAY + struct.pack("<Q", 1))
            self._serve_phone(connection, self._read_command(connection))
        elif command.startswith(f"host-serial:{self.serial}:"):
            self._relay(command.removeprefix(f"host-serial:{self.serial}:"))
            connection.sendall(OKAY)
        else:
            connection.sendall(FAIL)
            send_text(connection, f"device '{command}' not found")

    def _serve_phone(self, connection: socket.socket, service: str) -> None:
        connection.sendall(OKAY)
        kind, _, rest = service.partition(":")
        if kind == "sync":
            self._sync(connection)
        elif kind == "shell":
            self._shell(connection, rest)
        elif kind == "reverse":
            self._relay(service)
            connection.sendall(OKAY)

    def _relay(self, request: str) -> None:
        """``[reverse:]forward:tcp:A;tcp:B`` or ``[reverse:]killforward:tcp:A``."""
        verb, _, ports = request.removeprefix("reverse:").partition(":")
        near, _, far = ports.replace("tcp:", "").partition(";")
        if verb == "forward":
            self._relays[near] = Relay(int(near), int(far))
        elif near in self._relays:
            self._relays.pop(near).close()
        else:
            raise OSError(f"nothing is forwarded from {near}")

    def _shell(self, connection: socket.socket, command: str) -> None:
        here = command.replace(PHONE_FOLDER, str(self.files)).replace("exec ./", f"exec {self._emulator} ./")
        process = subprocess.Popen(
            ["sh", "-c", here], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=self._environment, start_new_session=True,
        )  # fmt: skip
        self._processes.append(process)
        threading.Thread(target=self._watch, args=(connection, process), daemon=True).start()
        assert process.stdout is not None
        while piece := os.read(process.stdout.fileno(), 4096):
            connection.sendall(piece)
        process.wait()
        # Closing alone would leave the other thread waiting, and the client with it.
        connection.shutdown(socket.SHUT_RDWR)

    def _watch(self, connection: socket.socket, process: subprocess.Popen[bytes]) -> None:
        """A shell whose client goes away is hung up on."""
        try:
            while connection.recv(4096):
                pass
        except OSError:
            pass
        hang_up(process)

    def _sync(self, connection: socket.socket) -> None:
        verb, size = receive(connection, 4), struct.unpack("<I", receive(connection, 4))[0]
        path = receive(connection, size).decode()
        if verb == b"STAT":
            connection.sendall(b"STAT" + struct.pack("<III", 0, 0, 0))
            return
        name, _, mode = path.rpartition(",")
        file = self.folder / name.lstrip("/")
        with file.open("wb") as out:
            while receive(connection, 4) == b"DATA":
                out.write(receive(connection, struct.unpack("<I", receive(connection, 4))[0]))
        receive(connection, 4)
        file.chmod(int(mode) & 0o777)
        connection.sendall(OKAY + struct.pack("<I", 0))

    def _read_command(self, connection: socket.socket) -> str:
        command = receive(connection, int(receive(connection, 4), 16)).decode()
        self.commands.append(command)
        return command


class Relay:
    """What comes to one port goes to another (see relay.py)."""

    def __init__(self, near: int, far: int) -> None:
        command = [sys.executable, str(Path(__file__).with_name("relay.py")), str(near), str(far)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def hang_up(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        assert process.stdin is not None
        process.stdin.close()
        os.killpg(process.pid, signal.SIGHUP)


def receive(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def send_block(connection: socket.socket, text: str) -> None:
    connection.sendall(OKAY)
    send_text(connection, text)


def send_text(connection: socket.socket, text: str) -> None:
    connection.sendall(f"{len(text):04x}{text}".encode())
