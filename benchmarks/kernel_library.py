"""`KernelLibrary`: kernels compiled into one library of this machine, each with operands of its own, to be timed."""

from __future__ import annotations

import ctypes
import math
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.lowering import LoweredKernel, lower
from tvm_mnv3.codegen.object_code import llvm_target, write_object
from tvm_mnv3.codegen.program import ALIGNMENT
from tvm_mnv3.codegen.toolchain import compile_c, link_shared
from tvm_mnv3.compat import tirx
from tvm_mnv3.schedules.registry import template_for
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

_REPEAT_SOURCE = Path(__file__).with_name("repeat.c")


def schedule_kernel(workload: Workload, knobs: Mapping[str, Any], core: Core) -> tirx.PrimFunc:
    """The kernel that the workload's template makes with those knobs.

    Raises
    ------
    ValueError
        No template serves the workload.
    """
    template = template_for(workload)
    if template is None:
        raise ValueError(f"no template serves {workload.name}")
    return template.scheduled(workload, template.knobs_type(**knobs), core).mod["main"]


class KernelLibrary:
    """Kernels ready to be called on random operands.

    Parameters
    ----------
    functions
        Scheduled S-TIR functions by symbol.
    core
        Of this machine.
    """

    def __init__(self, functions: Mapping[str, tirx.PrimFunc], core: Core) -> None:
        triple = f"{core.isa}-linux-gnu"
        target = llvm_target(core, triple)
        kernels = {symbol: lower(function, symbol, target) for symbol, function in functions.items()}
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder)
            write_object(list(kernels.values()), target, out / "kernels.o")
            support = [_REPEAT_SOURCE, *runtime.LIBRARY_SOURCES]
            objects = compile_c(support, triple=triple, out=out, include=[runtime.FOLDER])
            library = link_shared(
                [out / "kernels.o", *objects], triple=triple, out=out / "libkernels.so",
                exports=[*kernels, "repeat"], soname="libkernels.so",
            )  # fmt: skip
            self._library = ctypes.CDLL(str(library))
        self._library.repeat.argtypes = [ctypes.c_void_p] * 2 + [ctypes.c_int32] * 3
        self._operands = {symbol: _operands(functions[symbol], kernels[symbol]) for symbol in kernels}

    def seconds_per_call(self, symbol: str, burst_seconds: float, part: float = 1) -> float:
        """The mean of a burst of calls, with the operands as warm as the caches allow.

        With a `part` of its tasks, the first ones are done again and again, and the time is what all would take so.
        """
        of_all = self._operands[symbol].tasks
        tasks = max(1, round(of_all * part))
        first = self._seconds(symbol, 2, tasks) / 2
        calls = max(1, round(burst_seconds / first))
        self._seconds(symbol, max(1, calls // 4), tasks)
        return self._seconds(symbol, calls, tasks) / calls * of_all / tasks

    def operands(self, symbol: str) -> tuple[npt.NDArray[Any], ...]:
        """Everything that a run reads or writes, in the kernel's order: activations, packed weights, outputs."""
        return self._operands[symbol].arrays

    def _seconds(self, symbol: str, times: int, tasks: int) -> float:
        operands = self._operands[symbol]
        kernel = ctypes.cast(getattr(self._library, symbol), ctypes.c_void_p)
        start = time.perf_counter()
        status = self._library.repeat(kernel, operands.pointers, len(operands.pointers), tasks, times)
        seconds = time.perf_counter() - start
        if status != 0:
            raise ValueError(f"{symbol} has {len(operands.pointers)} operands, and repeat.c does not call that many")
        return seconds


@dataclass(frozen=True)
class _Operands:
    """A kernel's arguments: pointers to its buffers, in order, then to its scratch memory if it needs any."""

    arrays: tuple[npt.NDArray[Any], ...]
    scratch: npt.NDArray[Any]
    pointers: ctypes.Array[ctypes.c_void_p]
    tasks: int


def _operands(function: tirx.PrimFunc, kernel: LoweredKernel) -> _Operands:
    random = np.random.default_rng(0)
    arrays = []
    for buffer in function.params:
        shape = tuple(int(extent) for extent in buffer.shape)
        # What a kernel reads ahead lies behind where that operand begins.
        behind = kernel.ahead_bytes // np.dtype(str(buffer.dtype)).itemsize if buffer.name == "ahead" else 0
        memory = _aligned([math.prod(shape) + behind], str(buffer.dtype))
        # Neither zero nor tiny: denormal numbers are slow on some CPUs.
        memory[...] = random.uniform(0.25, 1.0, memory.shape)
        arrays.append(memory[: math.prod(shape)].reshape(shape))
    scratch = _aligned([kernel.scratch_bytes], "uint8")
    addresses = [array.ctypes.data for array in arrays] + ([scratch.ctypes.data] if kernel.scratch_bytes else [])
    return _Operands(tuple(arrays), scratch, (ctypes.c_void_p * len(addresses))(*addresses), kernel.tasks)


def _aligned(shape: list[int], dtype: str) -> npt.NDArray[Any]:
    """Uninitialized memory, aligned as in a model's arena."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)
