"""Devices behind a tracker, all of a key at once: ``rpc://HOST:PORT/KEY``, ``adb``, ``emulated:CORE``.

TVM's tracker is the queue: as many processes as the key has devices ask it for the next free one, and each measures a
candidate there. A session that ends without an answer is tried once more, on whatever device is free then, before
the candidate is blamed.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from tvm_mnv3.compat import PopenPoolExecutor
from tvm_mnv3.devices.pool import open_pool
from tvm_mnv3.devices.tracker import ListedDevice, tracker_summary
from tvm_mnv3.errors import EnvironmentProblem
from tvm_mnv3.tuning.build import BuiltKernel
from tvm_mnv3.tuning.remote_session import get_ready, measure_remotely
from tvm_mnv3.tuning.score import Score

#: Seconds for a candidate with all its waiting: for a device that others use, and for one to cool.
TIMEOUT = 900.0
#: Seconds after which a device ends a session: a candidate that hangs costs no more.
SESSION_TIMEOUT = 30.0
#: Seconds that a tracker may be away, or without any device of the key.
PATIENCE = 60.0
_LOOK = 2.0
_ATTEMPTS = 2


class RemoteDevices:
    """All devices of a key.

    Parameters
    ----------
    name
        As `tvm_mnv3.devices.pool.open_pool` takes it; what that starts ends with `close`.
    core
        The name of the core that is tuned for.
    session_timeout
        Seconds for one candidate on a device.

    Raises
    ------
    InputError
        It is none.
    EnvironmentProblem
        The tracker does not answer, or lists no such device.
    """

    batch = 1
    cpu = None

    def __init__(self, name: str, core: str, session_timeout: float = SESSION_TIMEOUT) -> None:
        self._core, self._session_timeout = core, session_timeout
        self.name = name
        self._started, self._closed = ExitStack(), threading.Event()
        self._address = self._started.enter_context(open_pool(name))
        self.parallel = max(1, len(self._devices()))
        self._workers = PopenPoolExecutor(
            max_workers=self.parallel, timeout=TIMEOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(self.parallel):
            # Their start takes seconds, in which the caller has something else to do.
            self._workers.submit(get_ready)
        if not self._devices():
            self._wait_for_a_device()
        self.emulated = all(device.report is not None and device.report.emulated for device in self._devices())

    def measure(self, kernels: Sequence[BuiltKernel], *, patient: bool = True) -> list[Score]:
        """The score of each (see `TuningDevice.measure`)."""
        return [self._measure(kernel, patient) for kernel in kernels]

    def close(self) -> None:
        """End the processes, and with them their sessions."""
        self._closed.set()
        with self._started:
            self._workers.shutdown(wait=False)

    def _measure(self, kernel: BuiltKernel, patient: bool) -> Score:
        failure = ""
        for _ in range(_ATTEMPTS):
            self._wait_for_a_device()
            try:
                score: Score = self._workers.submit(
                    measure_remotely, self._address, kernel, self._core, self._session_timeout, patient
                ).result()
                return replace(score, device=self.name)
            except Exception as error:
                # Whatever TVM's client or the pool raise: the session, its process or its device has ended.
                failure = f"Its session ended without an answer, twice: {_last_line(error)}"
        return Score(failure=failure, device=self.name, emulated=self.emulated)

    def _wait_for_a_device(self) -> None:
        """Until the tracker lists a device of the key; a tracker or a phone that starts anew takes seconds."""
        deadline = time.monotonic() + PATIENCE
        while True:
            if self._closed.is_set():
                raise EnvironmentProblem("The run has ended.")
            try:
                if self._devices():
                    return
                problem = f"The tracker lists no device with the key {self._address.key} any more"
            except EnvironmentProblem as error:
                problem = str(error).rstrip(".")
            if time.monotonic() > deadline:
                raise EnvironmentProblem(
                    f"{problem}, for {PATIENCE:g} s. What was measured is in the log; when a device is back, run the "
                    "same command again: it goes on from there."
                )
            self._closed.wait(_LOOK)

    def _devices(self) -> tuple[ListedDevice, ...]:
        return tracker_summary(self._address.host, self._address.port).with_key(self._address.key)


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:200]
