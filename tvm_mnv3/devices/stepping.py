"""A bundle's kernels one by one: on this machine with their times, and on any device with the values they make."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tvm_mnv3.codegen.bundle import Bundle
from tvm_mnv3.devices.device import Array
from tvm_mnv3.devices.emulated import EmulatedDevice
from tvm_mnv3.devices.local import LocalSession, context_memory
from tvm_mnv3.devices.registry import open_device
from tvm_mnv3.devices.step_records import (
    kernel_dtypes,
    recorder_program,
    split_values,
    step_array,
    stepper_library,
    values_bytes,
)
from tvm_mnv3.errors import EnvironmentProblem


class _Model(ctypes.Structure):
    """``stepper_model`` of runtime/stepper.h."""

    _fields_ = (
        ("base", ctypes.c_void_p),
        ("weights", ctypes.c_void_p),
        ("steps", ctypes.c_void_p),
        ("num_steps", ctypes.c_int64),
        ("arena", ctypes.c_void_p),
        ("inputs", ctypes.c_void_p),
        ("outputs", ctypes.c_void_p),
        ("parallel", ctypes.c_void_p),
    )


class LocalStepper:
    """The kernels of a library that a session has open in this process; it lives as long as the session."""

    def __init__(self, session: LocalSession, bundle: Bundle) -> None:
        self.session = session
        self.table, self._steps = step_array(bundle)
        self._dtypes = kernel_dtypes(bundle)
        self._arena = context_memory(self.table.arena_bytes)
        machine = bundle.manifest.target["triple"].split("-")[0]
        library = ctypes.CDLL(str(stepper_library(f"{machine}-linux-gnu.2.28")))
        self._time, self._record = library.stepper_time, library.stepper_record

    def times(
        self, inputs: Sequence[Array], *, threads: int = 1, warmup: int = 3, repeats: int = 10
    ) -> NDArray[np.int64]:
        """Nanoseconds of each step of each run: an array of shape (repeats, steps)."""
        clock = np.zeros((warmup + repeats, len(self._steps) + 1), np.int64)
        model, kept = self._model(inputs, threads)
        for run in clock:
            self._time(ctypes.byref(model), ctypes.c_void_p(run.ctypes.data))
        del kept
        return np.diff(clock[warmup:], axis=1)

    def values(self, inputs: Sequence[Array]) -> list[list[Array]]:
        """What every step of one run writes, as flat arrays."""
        recorded = np.zeros(values_bytes(self.table), np.uint8)
        model, kept = self._model(inputs, threads=1)
        self._record(ctypes.byref(model), ctypes.c_void_p(recorded.ctypes.data))
        del kept
        return split_values(recorded, self.table, self._dtypes)

    def _model(self, inputs: Sequence[Array], threads: int) -> tuple[_Model, object]:
        """The C structure, and what must live while it is used."""
        call = self.session.prepared(inputs, threads)
        base = call.entry - self.table.entry_offset
        model = _Model(
            base,
            base + self.table.weights_offset,
            self._steps.ctypes.data,
            len(self._steps),
            self._arena.ctypes.data,
            ctypes.cast(call.inputs, ctypes.c_void_p).value,
            ctypes.cast(call.outputs, ctypes.c_void_p).value,
            ctypes.addressof(call.parallel) if call.parallel is not None else None,
        )
        return model, call


def recorded_values(bundle: Bundle, device: str, samples: Sequence[Sequence[Array]]) -> list[list[list[Array]]]:
    """What every step writes on a device: for each sample, for each step, its outputs as flat arrays.

    Raises
    ------
    InputError
        The bundle has no steps, or is for another machine.
    EnvironmentProblem
        The device failed.
    """
    opened = open_device(device)
    if isinstance(opened, EmulatedDevice):
        return _emulated_values(bundle, opened, samples)
    with opened.open(bundle.path) as session:
        if not isinstance(session, LocalSession):
            raise EnvironmentProblem(f"The kernels cannot be run one by one on {device}; use local or emulated:CORE.")
        stepper = LocalStepper(session, bundle)
        return [stepper.values(sample) for sample in samples]


def _emulated_values(
    bundle: Bundle, device: EmulatedDevice, samples: Sequence[Sequence[Array]]
) -> list[list[list[Array]]]:
    table, steps = step_array(bundle)
    size = values_bytes(table)
    with device.open(bundle.path) as session, tempfile.TemporaryDirectory() as folder:
        given, records, got = (Path(folder, name) for name in ("inputs", "steps", "values"))
        given.write_bytes(b"".join(np.ascontiguousarray(array).tobytes() for sample in samples for array in sample))
        records.write_bytes(steps.tobytes())
        library, prefix = str(bundle.path / bundle.manifest.library), bundle.manifest.prefix
        numbers = (str(table.entry_offset), str(table.weights_offset), str(table.arena_bytes))
        command = session.command_of(recorder_program)
        done = subprocess.run(
            [*command, library, prefix, *numbers, str(records), str(given), str(got), str(size)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
        )  # fmt: skip
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise EnvironmentProblem(f"The kernels did not run one by one on {device.name}: {said}.")
        data = np.frombuffer(got.read_bytes(), np.uint8)
    dtypes = kernel_dtypes(bundle)
    return [split_values(data[i * size : (i + 1) * size], table, dtypes) for i in range(len(samples))]
