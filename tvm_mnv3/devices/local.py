"""This machine: the bundle's library is loaded into this process."""

from __future__ import annotations

import _ctypes
import ctypes
import mmap
import platform
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tvm_mnv3.devices.device import Array, Session, check_threads
from tvm_mnv3.devices.helpers import pool_library
from tvm_mnv3.devices.model_file import CallableModel, read_model
from tvm_mnv3.errors import EnvironmentProblem, InputError

#: As TVM_MNV3_ALIGNMENT of runtime/tvm_mnv3.h.
_ALIGNMENT = 64
#: Of x86 and of ARM with pages of 4 KB.
_HUGE_PAGE = 2 << 20


class LocalDevice:
    """This machine."""

    name = "local"

    def open(self, bundle: Path) -> LocalSession:
        """Load a bundle's library (see `Device.open`)."""
        model = read_model(bundle)
        machine = _this_machine()
        if model.machine != machine:
            raise InputError(
                f"The bundle {bundle} is compiled for {model.machine}, and this machine is {machine}. Run it on "
                "emulated:CORE, or compile the model with --target host."
            )
        return LocalSession(model)


@dataclass(frozen=True)
class PreparedCall:
    """All that the C of a run takes; the arrays live as long as this does.

    Parameters
    ----------
    entry
        The address of the model's run function.
    inputs, outputs
        Pointers to the arrays.
    parallel
        The pool, or None for the calling thread alone.
    """

    entry: int
    inputs: ctypes.Array[ctypes.c_void_p]
    outputs: ctypes.Array[ctypes.c_void_p]
    parallel: ctypes.Structure | None
    arrays: tuple[Array, ...]


class LocalSession(Session):
    """A library in this process, with one context."""

    def __init__(self, model: CallableModel) -> None:
        super().__init__(model.inputs, model.outputs)
        try:
            self._library = ctypes.CDLL(str(model.library))
            self._run = self._library[f"{model.prefix}_run"]
            context_size = self._library[f"{model.prefix}_context_size"]
        except (OSError, AttributeError) as error:
            raise InputError(f"The library {model.library} does not load: {error}. Compile the model again.") from error
        self._run.restype = ctypes.c_int32
        self._run.argtypes = [ctypes.c_void_p] * 4
        context_size.restype = ctypes.c_size_t
        self._context = context_memory(context_size())
        self._pools: dict[int, _Pool] = {}

    def run_many(self, samples: Sequence[Sequence[Array]], threads: int = 1) -> list[list[Array]]:
        parallel = self._parallel(threads)
        results = []
        for sample in samples:
            outputs = self._empty_outputs()
            self._run_once(self._checked(sample), outputs, parallel)
            results.append(outputs)
        return results

    def time(self, inputs: Sequence[Array], *, threads: int = 1, warmup: int = 3, repeats: int = 10) -> list[float]:
        """Measure runs on the same inputs.

        Parameters
        ----------
        warmup
            Runs before the first that counts.
        repeats
            Runs that count.

        Returns
        -------
        list of float
            Seconds of wall time, one per run, including a call through ctypes (about a microsecond).
        """
        parallel = self._parallel(threads)
        arrays = self._checked(inputs)
        outputs = self._empty_outputs()
        for _ in range(warmup):
            self._run_once(arrays, outputs, parallel)
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            self._run_once(arrays, outputs, parallel)
            seconds.append(time.perf_counter() - start)
        return seconds

    def prepared(self, inputs: Sequence[Array], threads: int = 1) -> PreparedCall:
        """What calls the library's parts by hand (`tvm_mnv3.devices.stepping`); parameters and errors are those of
        `Session.run`."""
        parallel, given, outputs = self._parallel(threads), self._checked(inputs), self._empty_outputs()
        entry = ctypes.cast(self._run, ctypes.c_void_p).value or 0
        return PreparedCall(entry, _pointers(given), _pointers(outputs), parallel, (*given, *outputs))

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
        if self._library._handle:
            # Without this the loader would answer with the old library after the bundle is compiled anew.
            _ctypes.dlclose(self._library._handle)
            self._library._handle = 0

    def _run_once(self, inputs: Sequence[Array], outputs: Sequence[Array], parallel: _Parallel | None) -> None:
        if not self._library._handle:
            raise ValueError("the session is closed")
        status = self._run(
            self._context.ctypes.data,
            _pointers(inputs),
            _pointers(outputs),
            None if parallel is None else ctypes.byref(parallel),
        )
        if status != 0:
            raise EnvironmentProblem(f"The model's library answered with status {status} (see tvm_mnv3.h).")

    def _empty_outputs(self) -> list[Array]:
        return [np.empty(spec.shape, spec.dtype) for spec in self.outputs]

    def _parallel(self, threads: int) -> _Parallel | None:
        check_threads(threads)
        if threads == 1:
            return None
        if threads not in self._pools:
            self._pools[threads] = _Pool(threads)
        return self._pools[threads].parallel


class _Parallel(ctypes.Structure):
    """``tvm_mnv3_parallel`` of runtime/tvm_mnv3.h."""

    _fields_ = (("parallel_for", ctypes.c_void_p), ("pool", ctypes.c_void_p))


class _Pool:
    """The companion thread pool (runtime/thread_pool.h)."""

    def __init__(self, threads: int) -> None:
        self._library = ctypes.CDLL(str(pool_library(f"{_this_machine()}-linux-gnu")))
        self._library.tvm_mnv3_pool_size.restype = ctypes.c_size_t
        self._library.tvm_mnv3_pool_create.restype = ctypes.c_void_p
        self._library.tvm_mnv3_pool_parallel.restype = _Parallel
        self._memory = aligned_memory(self._library.tvm_mnv3_pool_size(threads))
        memory = ctypes.c_void_p(self._memory.ctypes.data)
        self._pool = ctypes.c_void_p(self._library.tvm_mnv3_pool_create(memory, threads))
        if not self._pool:
            raise EnvironmentProblem(f"This machine does not let {threads} threads start; ask for fewer.")
        self.parallel: _Parallel = self._library.tvm_mnv3_pool_parallel(self._pool)

    def close(self) -> None:
        self._library.tvm_mnv3_pool_destroy(self._pool)


def _this_machine() -> str:
    """As an ELF header names it."""
    if sys.platform != "linux":
        raise EnvironmentProblem(f"A bundle runs on Linux and Android only, and this machine runs {sys.platform}.")
    machine = platform.machine().lower()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)


def aligned_memory(size: int) -> Array:
    """At least `size` bytes, aligned to `_ALIGNMENT`."""
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    return memory[-memory.ctypes.data % _ALIGNMENT :]


def context_memory(size: int) -> Array:
    """At least `size` bytes for a context, aligned to `_ALIGNMENT`; on huge pages, where the system gives them.

    A run walks through all of its context: on huge pages V3-Large takes 1.5 to 3 % less time on an AMD EPYC (Zen 4).
    """
    if size < _HUGE_PAGE // 4:
        return aligned_memory(size)
    whole = -(-size // _HUGE_PAGE) * _HUGE_PAGE
    pages = mmap.mmap(-1, whole + _HUGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    # A kernel without huge pages refuses, and the memory is as good as any.
    with suppress(OSError):
        pages.madvise(mmap.MADV_HUGEPAGE)
    memory = np.frombuffer(pages, np.uint8)
    return memory[-memory.ctypes.data % _HUGE_PAGE :]


def _pointers(arrays: Sequence[Array]) -> ctypes.Array[ctypes.c_void_p]:
    return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
