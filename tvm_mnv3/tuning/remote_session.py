"""One candidate on one device through TVM's RPC: upload, check, time, remove. The work of a measuring process."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import numpy as np

from tvm_mnv3.compat import tvm
from tvm_mnv3.devices.remote import RemoteAddress
from tvm_mnv3.devices.report import DeviceReport, parse_report
from tvm_mnv3.tuning.build import BuiltKernel, complaint_of
from tvm_mnv3.tuning.score import Score
from tvm_mnv3.tuning.steady import is_hot, steady_times, wait_until_cool

#: Times that are taken, each over at least so many milliseconds, and the pause between them.
_REPEATS = 5
_MILLISECONDS = 10
LEAST_SECONDS = _MILLISECONDS / 1000
#: The function of native/kernel_entry.c.
ENTRY = "candidate"


def get_ready() -> None:
    """Nothing more than what a process does before it can do this: import TVM."""


def measure_remotely(
    address: RemoteAddress, kernel: BuiltKernel, core: str, session_timeout: float, patient: bool = True
) -> Score:
    """The score of a candidate on the next free device, which ends the session by itself after so many seconds.

    Parameters
    ----------
    core
        Where the device has such cores, the kernel runs on these; else on the fastest.
    patient
        As of `TuningDevice.measure`.

    Raises
    ------
    EnvironmentProblem
        No session could be had.
    RuntimeError
        The session ended without an answer: the device is gone, or the candidate crashed.
    """
    session = address.request(session_timeout=session_timeout)
    report = _report(session)
    if is_hot(report.hottest):
        # Sessions of its own for every look, for this one would time out while the device cools.
        hang_up(session)
        wait_until_cool(lambda: address.report().hottest)
        session = address.request(session_timeout=session_timeout)
    try:
        _pin(session, report, core)
        # An emulator's times mean nothing: to take them again would make them no better.
        return _measure(address, session, kernel, report.emulated, patient and not report.emulated)
    except tvm.error.RPCSessionTimeoutError:
        failure = f"It did not end in {session_timeout:g} s."
        return Score(failure=failure, device=address.name, emulated=report.emulated)
    finally:
        hang_up(session)


def _pin(session: Any, report: DeviceReport, core: str) -> None:
    """Choose cores, where whoever started the agent has not."""
    if len(report.allowed) == len(report.cores):
        session.get_function("tvm_mnv3.pin")(core if core in {c.name for c in report.cores} else "fastest")


def hang_up(session: Any) -> None:
    """End a session at once, not when its last tensor is collected."""
    # A device that has gone has ended it already.
    with suppress(RuntimeError):
        session.get_function("CloseRPCConnection")()


def _measure(address: RemoteAddress, session: Any, kernel: BuiltKernel, emulated: bool, patient: bool) -> Score:
    name = kernel.library.name
    session.upload(str(kernel.library))
    function = session.load_module(name)
    operands = kernel.operands.read_bytes()
    arguments = _tensors(session, operands, kernel)
    call = function[ENTRY]
    call(*arguments, kernel.tasks)
    results = b"".join(tensor.numpy().tobytes() for tensor in arguments)
    failure = complaint_of(kernel, results)
    seconds: tuple[float, ...] = ()
    if failure is None:
        evaluator = function.time_evaluator(
            ENTRY, session.cpu(), number=1, repeat=_REPEATS, min_repeat_ms=_MILLISECONDS
        )

        def times() -> tuple[float, ...]:
            return tuple(evaluator(*arguments, kernel.tasks).results)

        seconds = steady_times(times, patient=patient)
    with suppress(RuntimeError):
        session.remove(name)
    return Score(
        seconds=seconds,
        failure=failure,
        device=address.name,
        emulated=emulated,
        temperature=_report(session).hottest,
    )


def _tensors(session: Any, operands: bytes, kernel: BuiltKernel) -> list[Any]:
    """The operands on the device, as tensors of bytes."""
    tensors, offset = [], 0
    for size in kernel.operand_bytes:
        tensor = tvm.runtime.empty((size,), "uint8", session.cpu())
        tensor.copyfrom(np.frombuffer(operands, np.uint8, size, offset))
        tensors.append(tensor)
        offset += size
    return tensors


def _report(session: Any) -> DeviceReport:
    return parse_report(json.loads(session.get_function("tvm_mnv3.report")()))
