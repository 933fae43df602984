"""A device behind a tracker, near or far: bundles run on it through TVM's RPC."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tvm_mnv3.devices.device import Array, Session, check_threads
from tvm_mnv3.devices.model_file import CallableModel, read_model
from tvm_mnv3.devices.report import DeviceReport, parse_report
from tvm_mnv3.devices.tracker import tracker_summary
from tvm_mnv3.errors import EnvironmentProblem, InputError

#: Names a file whose first line is the shared key of the agents; not the key itself, which others could read.
SHARED_KEY_VARIABLE = "TVM_MNV3_SHARED_KEY_FILE"

_NAME = re.compile(r"rpc://(?P<host>[\w.-]+):(?P<port>\d{1,5})/(?P<key>[\w.-]+)")


@dataclass(frozen=True)
class RemoteAddress:
    """Devices of one key behind a tracker.

    Parameters
    ----------
    host, port
        The tracker's.
    key
        What to ask it for.
    shared_key
        What the agents want to hear besides; None if they want nothing.
    """

    host: str
    port: int
    key: str
    shared_key: str | None = None

    @property
    def name(self) -> str:
        """``rpc://host:port/key``."""
        return f"rpc://{self.host}:{self.port}/{self.key}"

    def request(self, *, session_timeout: float = 0) -> Any:
        """A session of TVM's with the next device that is free (`tvm.rpc.RPCSession`).

        Parameters
        ----------
        session_timeout
            Seconds after which the device ends the session; 0 for never.

        Raises
        ------
        EnvironmentProblem
            The tracker does not answer or has no such device, or the device refuses.
        """
        from tvm_mnv3.compat import rpc

        # Asked for a key that it does not know, the tracker would wait for ever.
        summary = tracker_summary(self.host, self.port)
        if not summary.with_key(self.key):
            known = ", ".join(sorted({device.key for device in summary.devices})) or "none at all"
            raise EnvironmentProblem(
                f"The tracker {self.host}:{self.port} lists no device with the key {self.key}; it lists {known}."
            )
        arguments = ["tvm_mnv3.shared_key", self.shared_key] if self.shared_key else None
        try:
            return rpc.connect_tracker(self.host, self.port).request(
                self.key, session_timeout=session_timeout, session_constructor_args=arguments
            )
        except (RuntimeError, OSError) as error:
            raise EnvironmentProblem(f"No session with {self.name}: {_last_line(error)}") from error

    def report(self) -> DeviceReport:
        """What the next free device tells of itself.

        Raises
        ------
        EnvironmentProblem
            As of `request`.
        """
        session = self.request(session_timeout=60)
        try:
            return parse_report(json.loads(session.get_function("tvm_mnv3.report")()))
        finally:
            _hang_up(session)


def parse_address(name: str) -> RemoteAddress:
    """The address that ``rpc://host:port/key`` names, with the shared key of `SHARED_KEY_VARIABLE`.

    Raises
    ------
    InputError
        It is none, or the shared key's file cannot be read.
    """
    match = _NAME.fullmatch(name)
    if match is None or not 0 < int(match["port"]) < 65536:
        raise InputError(f"{name!r} names no device behind a tracker; write rpc://HOST:PORT/KEY.")
    return RemoteAddress(match["host"], int(match["port"]), match["key"], _shared_key())


class RemoteDevice:
    """The next free device of a key."""

    def __init__(self, address: RemoteAddress) -> None:
        self.name = address.name
        self._address = address

    def open(self, bundle: Path) -> RemoteSession:
        """Upload a bundle's library (see `Device.open`)."""
        model = read_model(bundle)
        return RemoteSession(model, self._address.request())


class RemoteSession(Session):
    """A library on a device, with one context there; runs use one thread, whatever their number."""

    def __init__(self, model: CallableModel, session: Any, owned: ExitStack | None = None) -> None:
        super().__init__(model.inputs, model.outputs)
        self._owned = owned or ExitStack()  # what was started for this session alone
        self._name = str(model.library)
        self._session = session
        try:
            session.upload(str(model.library))
            module = session.load_module(model.library.name)
            self._run = module["run"]
            self._context = self._empty((max(1, int(module["context_size"]())),), "uint8")
            self._places = [self._empty(spec.shape, spec.dtype) for spec in (*self.inputs, *self.outputs)]
        except (RuntimeError, AttributeError) as error:
            self.close()
            raise self._failure(error) from error

    def run_many(self, samples: Sequence[Sequence[Array]], threads: int = 1) -> list[list[Array]]:
        check_threads(threads)
        return [self._run_once(self._checked(sample)) for sample in samples]

    def close(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            with self._owned:
                _hang_up(session)

    def _run_once(self, inputs: Sequence[Array]) -> list[Array]:
        if self._session is None:
            raise ValueError("the session is closed")
        given, results = self._places[: len(inputs)], self._places[len(inputs) :]
        try:
            for place, array in zip(given, inputs, strict=True):
                place.copyfrom(array)
            status = self._run(self._context, *self._places)
            outputs = [place.numpy() for place in results]
        except RuntimeError as error:
            raise self._failure(error) from error
        if status != 0:
            raise EnvironmentProblem(f"The model's library answered with status {status} (see tvm_mnv3.h).")
        return outputs

    def _empty(self, shape: tuple[int, ...], dtype: str) -> Any:
        from tvm_mnv3.compat import tvm

        return tvm.runtime.empty(shape, str(np.dtype(dtype)), self._session.cpu())

    def _failure(self, error: Exception) -> EnvironmentProblem:
        return EnvironmentProblem(f"The run of {self._name} on the device failed: {_last_line(error)}")


def read_shared_key(file: Path) -> str:
    """The first line of a file.

    Raises
    ------
    InputError
        It cannot be read, or is empty.
    """
    try:
        key = file.read_text(encoding="utf-8").splitlines()[0].strip()
    except (OSError, IndexError, UnicodeDecodeError) as error:
        raise InputError(f"The file {file} holds no shared key ({error}).") from error
    if not key:
        raise InputError(f"The file {file} holds no shared key: its first line is empty.")
    return key


def _shared_key() -> str | None:
    file = os.environ.get(SHARED_KEY_VARIABLE)
    return read_shared_key(Path(file)) if file else None


def _hang_up(session: Any) -> None:
    """End a session at once, not when its last tensor is collected."""
    # A device that has gone has ended it already.
    with suppress(RuntimeError):
        session.get_function("CloseRPCConnection")()


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
