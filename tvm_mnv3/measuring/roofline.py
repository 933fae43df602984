"""The roofline of this machine: its fused multiply-add peak and how fast it reads, measured."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.toolchain import compile_c, link_shared
from tvm_mnv3.errors import EnvironmentProblem
from tvm_mnv3.targets import Core, load_core

_SOURCE = Path(__file__).with_name("roofline.c")
_EXPORTS = ("multiply_add_burst", "read_burst")
#: Far more than any cache of one core holds, for each thread.
_MEMORY_BYTES = 256 * 1024**2
#: A burst takes a few milliseconds, so that some bursts are disturbed by nothing; the best one counts.
_BURST_ITERATIONS, _BURSTS = 200_000, 40
#: Flags that allow the vectors of each width on x86; NEON needs none.
_X86_FLAGS = {512: ("-mavx512f", "-mfma"), 256: ("-mavx2", "-mfma"), 128: ()}


#: Does some work and returns how much: multiply-adds, or bytes.
Burst = Callable[[], float]


@dataclass(frozen=True)
class Roofline:
    """What the machine reached on that many threads, one per CPU.

    Parameters
    ----------
    gmac_per_second
        Float32 multiply-adds in registers, 1e9 per second, of all threads together.
    memory_gb_per_second
        Reading memory that no cache holds, 1e9 bytes per second.
    cache_gb_per_second
        Reading again and again what half the last cache holds (where the weights of a small network stay), 1e9 bytes
        per second; None where no cache is known.
    """

    threads: int
    gmac_per_second: float
    memory_gb_per_second: float
    cache_gb_per_second: float | None

    def best_of(self, other: Roofline) -> Roofline:
        """The higher of each figure of two measurements on as many threads."""
        caches = [cache for cache in (self.cache_gb_per_second, other.cache_gb_per_second) if cache is not None]
        return Roofline(
            self.threads,
            max(self.gmac_per_second, other.gmac_per_second),
            max(self.memory_gb_per_second, other.memory_gb_per_second),
            max(caches, default=None),
        )


def measure_roofline(cpus: Sequence[int]) -> Roofline:
    """Measure with one thread on each of these CPUs; takes about a second.

    Raises
    ------
    EnvironmentProblem
        The C toolchain is missing.
    """
    core = load_core("host")
    bursts = Bursts(core)
    cache_bytes = (core.l3_bytes or core.l2_bytes) // 2
    return Roofline(
        threads=len(cpus),
        gmac_per_second=_best_rate(cpus, bursts.multiply_add) / 1e9,
        memory_gb_per_second=_best_rate(cpus, lambda: bursts.reader(_MEMORY_BYTES)) / 1e9,
        cache_gb_per_second=(
            _best_rate(cpus, lambda: bursts.reader(cache_bytes // len(cpus))) / 1e9 if cache_bytes else None
        ),
    )


def measure_roofline_apart(cpus: Sequence[int]) -> Roofline:
    """The same in a process of its own, whose threads and memory are gone afterwards.

    Raises
    ------
    EnvironmentProblem
        The process failed; its last words say why.
    """
    # Not multiprocessing, which would import the caller's own program again.
    done = subprocess.run(
        [sys.executable, "-m", "tvm_mnv3.measuring.roofline", *map(str, cpus)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise EnvironmentProblem(f"The roofline of this machine cannot be measured: {said}")
    return Roofline(**json.loads(done.stdout))


class Bursts:
    """The functions of roofline.c, compiled for that core.

    Raises
    ------
    EnvironmentProblem
        The C toolchain is missing.
    """

    def __init__(self, core: Core) -> None:
        self._vector_bytes = core.vector_bits // 8
        # The rest of the registers holds the factors.
        self._accumulators = core.vector_registers * 3 // 4
        triple = f"{core.isa}-linux-gnu"
        flags = [f"-DVECTOR_BYTES={self._vector_bytes}", f"-DACCUMULATORS={self._accumulators}"]
        if core.isa == "x86_64":
            flags.extend(_X86_FLAGS[core.vector_bits])
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder)
            objects = compile_c([_SOURCE], triple=triple, out=out, extra=flags)
            objects += compile_c(runtime.LIBRARY_SOURCES, triple=triple, out=out)
            library = link_shared(
                objects, triple=triple, out=out / "libroofline.so", exports=_EXPORTS, soname="libroofline.so"
            )
            self._library = ctypes.CDLL(str(library))
        self._multiply_add = self._library.multiply_add_burst
        self._multiply_add.argtypes, self._multiply_add.restype = [ctypes.c_size_t, ctypes.c_float], ctypes.c_float
        self._read = self._library.read_burst
        self._read.argtypes, self._read.restype = [ctypes.c_void_p, ctypes.c_size_t], ctypes.c_float

    def multiply_add(self) -> Burst:
        """A burst of multiply-adds."""
        work = float(_BURST_ITERATIONS * self._accumulators * self._vector_bytes // 4)

        def burst() -> float:
            self._multiply_add(_BURST_ITERATIONS, 0.5)
            return work

        return burst

    def reader(self, size: int) -> Burst:
        """A burst that reads a buffer of its own of about that many bytes, once."""
        stride = self._accumulators * self._vector_bytes
        size = max(size // stride, 1) * stride
        memory = np.ones(size + self._vector_bytes, np.uint8)
        address = memory.ctypes.data + -memory.ctypes.data % self._vector_bytes

        def burst() -> float:
            self._read(address, size)
            return float(memory.size - self._vector_bytes)

        return burst


def _best_rate(cpus: Sequence[int], make: Callable[[], Burst]) -> float:
    """Work per second of all threads together, in the best of many rounds in which they start together."""
    barrier = threading.Barrier(len(cpus), timeout=60)
    spans = np.zeros((_BURSTS, len(cpus), 2))
    work = np.zeros(len(cpus))

    def run(index: int) -> None:
        # Of this thread alone.
        os.sched_setaffinity(0, {cpus[index]})
        burst = make()
        for number in range(_BURSTS):
            barrier.wait()
            start = time.perf_counter()
            work[index] = burst()
            spans[number, index] = start, time.perf_counter()

    with ThreadPoolExecutor(len(cpus)) as pool:
        list(pool.map(run, range(len(cpus))))
    seconds = spans[:, :, 1].max(axis=1) - spans[:, :, 0].min(axis=1)
    return float(work.sum() / seconds.min())


if __name__ == "__main__":
    print(json.dumps(asdict(measure_roofline([int(cpu) for cpu in sys.argv[1:]]))))
