"""A small network as a library for this machine, and its runs with tasks cut at will."""

from __future__ import annotations

import ctypes
import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tvm_mnv3.codegen.driver import Interface
from tvm_mnv3.codegen.kernels import ScheduledModule
from tvm_mnv3.codegen.library import Library, Platform, build_library
from tvm_mnv3.targets import Core
from tvm_mnv3.tensor_spec import TensorSpec

Array = np.ndarray[Any, Any]
_HOST = Platform("host", "x86_64-linux-gnu", "x86_64-linux-gnu.2.28")


def build_net(scheduled: ScheduledModule, core: Core, folder: Path, picture: TensorSpec, result: TensorSpec) -> Library:
    """``libnet.so`` in a new folder."""
    folder.mkdir()
    return build_library(scheduled, core, _HOST, Interface("net", "net", "0", "host", (picture,), (result,)), folder)


def run_net(
    folder: Path, picture: Array, result: TensorSpec, ranges: list[int] | None = None, *, at_once: bool = False
) -> Array:
    """The result; with `ranges` every step's tasks are cut at these quarters, and run from the last to the first, or
    all at once, each range by a thread of its own."""
    code = ctypes.CDLL(str(folder / "libnet.so"))
    task_type = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32)

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int32, task_type, ctypes.c_void_p)
    def parallel_for(_pool: int, count: int, task: Any, state: int) -> None:
        cuts = sorted({0, count, *(count * cut // 4 for cut in ranges or ())})
        pieces = list(reversed(list(itertools.pairwise(cuts))))
        with ThreadPoolExecutor(len(pieces) if at_once else 1) as threads:
            list(threads.map(lambda piece: task(state, *piece), pieces))

    parallel = (ctypes.c_void_p * 2)(ctypes.cast(parallel_for, ctypes.c_void_p).value, None)
    code.net_context_size.restype = ctypes.c_size_t
    # Not-a-numbers, for what is read before it is written.
    memory = np.full(code.net_context_size() + 64, 0xFF, np.uint8)
    context = memory.ctypes.data + -memory.ctypes.data % 64
    output = np.empty(result.shape, result.dtype)
    pointers = [(ctypes.c_void_p * 1)(array.ctypes.data) for array in (picture, output)]
    assert code.net_run(ctypes.c_void_p(context), *pointers, ctypes.byref(parallel) if ranges else None) == 0
    return output
