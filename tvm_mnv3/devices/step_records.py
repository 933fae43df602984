"""A bundle's steps as the C of stepper.h reads them, and the values that it records."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tvm_mnv3.codegen.bundle import Bundle
from tvm_mnv3.codegen.steps import StepRecord, StepTable, read_steps
from tvm_mnv3.codegen.toolchain import compile_c, link_executable, link_shared
from tvm_mnv3.devices.device import Array
from tvm_mnv3.devices.helpers import built_once
from tvm_mnv3.errors import InputError
from tvm_mnv3.runtime import RECORDER_SOURCES, STEPPER_HEADERS, STEPPER_SOURCES
from tvm_mnv3.workload import Workload

#: As STEPPER_MOST_OPERANDS and the spaces of runtime/stepper.h.
_MOST_OPERANDS = 12
_SPACES = {"input": 0, "output": 1, "arena": 2, "weights": 3}
#: What stepper.c's call_kernel has a case for.
_CALLABLE = range(2, 11)

_OPERAND = np.dtype([("space", np.int64), ("offset", np.int64), ("bytes", np.int64)])
#: stepper_step.
STEP = np.dtype(
    [
        ("kernel", np.int64),
        ("tasks", np.int64),
        ("num_operands", np.int64),
        ("first_output", np.int64),
        ("num_outputs", np.int64),
        ("operands", _OPERAND, _MOST_OPERANDS),
    ]
)

STEPPER_EXPORTS = ("stepper_time", "stepper_record")


def stepper_library(triple: str) -> Path:
    """stepper.c as a shared library, for a process that has a libc already (Python has)."""

    def build(folder: Path, out: Path) -> None:
        flags = ("-fvisibility=default",)
        objects = compile_c(STEPPER_SOURCES, triple=triple, out=folder, freestanding=False, extra=flags)
        link_shared(objects, triple=triple, out=out, exports=STEPPER_EXPORTS, soname=out.name, allow_undefined=True)

    return built_once("libstepper.so", triple, (*STEPPER_SOURCES, *STEPPER_HEADERS), build)


def recorder_program(triple: str) -> Path:
    """The program that records a library's values: see runtime/recorder.c."""

    def build(folder: Path, out: Path) -> None:
        objects = compile_c(RECORDER_SOURCES, triple=triple, out=folder, freestanding=False)
        link_executable(objects, triple=triple, out=out, libraries=("dl",))

    return built_once("recorder", triple, (*RECORDER_SOURCES, *STEPPER_HEADERS), build)


def step_array(bundle: Bundle) -> tuple[StepTable, np.ndarray]:
    """The steps of a bundle, and the same as an array of `STEP`.

    Raises
    ------
    InputError
        The bundle has no steps, or one that cannot be called alone.
    """
    table = read_steps(bundle.path)
    code = {kernel.symbol: kernel.offset for kernel in bundle.manifest.kernels}
    array = np.zeros(len(table.steps), STEP)
    for number, step in enumerate(table.steps):
        array[number] = _record(step, code)
    return table, array


def _record(step: StepRecord, code: Mapping[str, int]) -> tuple[object, ...]:
    if len(step.operands) not in _CALLABLE:
        raise InputError(f"The kernel {step.kernel} has {len(step.operands)} operands, too many to be called alone.")
    operands = np.zeros(_MOST_OPERANDS, _OPERAND)
    for place, operand in enumerate(step.operands):
        offset = operand.index if operand.space in ("input", "output") else operand.offset
        operands[place] = (_SPACES[operand.space], offset, operand.bytes)
    kernel = code[step.kernel] if step.kernel is not None else -1
    return kernel, step.tasks, len(step.operands), step.first_output, step.outputs, operands


def values_bytes(table: StepTable) -> int:
    """Of one run's recorded values."""
    return sum(operand.bytes for step in table.steps for operand in step.written())


def split_values(data: np.ndarray, table: StepTable, dtypes: Mapping[str, str]) -> list[list[Array]]:
    """What was recorded, as flat arrays: for each step its outputs.

    Parameters
    ----------
    dtypes
        Of each kernel's outputs, by its symbol; those of any other step are left as bytes.
    """
    values, at = [], 0
    for step in table.steps:
        outputs: list[Array] = []
        for operand in step.written():
            dtype = dtypes.get(step.kernel or "", "uint8")
            outputs.append(data[at : at + operand.bytes].copy().view(dtype))
            at += operand.bytes
        values.append(outputs)
    return values


def kernel_dtypes(bundle: Bundle) -> dict[str, str]:
    """The dtype of the outputs of each template's kernel; of the fallback's none is known."""
    return {k.symbol: Workload.parse(k.workload).dtype for k in bundle.manifest.kernels if k.workload is not None}
