"""`Worker`: one runtime with one network in a process of its own, driven through a pipe.

Runtimes bring thread pools, allocators and C++ libraries that would disturb each other in one process. A worker works
only while it is asked to; what its threads spin after a burst is over before the next worker's warm-up is.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.network import Network
from benchmarks.runtimes import import_runtime
from benchmarks.runtimes.runtime import Array, MissingRuntime, Session

#: Converting and compiling a network is given this many seconds, a burst of runs the other.
LOAD_SECONDS, BURST_SECONDS = 900, 300


class PeerFailed(Exception):
    """A runtime is missing or does not run the network; the message is the reason, in a line."""


class Worker:
    """A process that runs one network in one runtime.

    Parameters
    ----------
    cpus
        The CPUs that it may use, one for each thread.
    log
        What the runtime prints goes into that file.

    Raises
    ------
    PeerFailed
        The runtime is missing, or does not load the network.
    """

    #: Of the runtime.
    version: str
    #: Of one run, float32 (1, classes).
    logits: Array

    def __init__(self, runtime: str, network: Network, cpus: Sequence[int], log: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, child = context.Pipe()
        self._process = context.Process(target=_serve, args=(child, runtime, network, tuple(cpus), log), daemon=True)
        self._process.start()
        child.close()
        self.version, self.logits = self._receive(LOAD_SECONDS)

    def time(self, *, warmup: int, repeats: int) -> list[float]:
        """Seconds of each run of a burst, without the warm-up's.

        Raises
        ------
        PeerFailed
            The runtime failed, or its process died.
        """
        try:
            self._pipe.send((warmup, repeats))
        except OSError as error:
            raise PeerFailed(self._last_words()) from error
        seconds: list[float] = self._receive(BURST_SECONDS)
        return seconds

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _receive(self, seconds: float) -> Any:
        try:
            if not self._pipe.poll(seconds):
                raise PeerFailed(f"no answer within {seconds:.0f} s")
            answer = self._pipe.recv()
        except EOFError:
            answer = PeerFailed(self._last_words())
        except PeerFailed as failure:
            answer = failure
        if isinstance(answer, PeerFailed):
            self.close()
            raise answer
        return answer

    def _last_words(self) -> str:
        self._process.join(10)
        return f"its process ended with exit code {self._process.exitcode}"


def _serve(pipe: Connection, runtime: str, network: Network, cpus: tuple[int, ...], log: Path) -> None:
    """The worker's process: load, answer with version and logits, then time bursts until the pipe is closed."""
    _redirect_output(log)
    _limit_threads(cpus)
    try:
        version, session = _load(runtime, network, len(cpus))
        pipe.send((version, session.output()))
        gc.collect()
        gc.disable()
        while True:
            warmup, repeats = pipe.recv()
            session.time(warmup)
            pipe.send(session.time(repeats))
    except EOFError:
        return
    # The reason goes to the parent: whatever a runtime fails with, the others are still compared.
    except Exception as error:
        traceback.print_exc()
        pipe.send(PeerFailed(_reason(error)))


def _load(name: str, network: Network, threads: int) -> tuple[str, Session]:
    runtime = import_runtime(name)
    session = runtime.load(network, threads)
    session.run()
    return runtime.version(), session


def _reason(error: Exception) -> str:
    if isinstance(error, MissingRuntime):
        return str(error)
    if isinstance(error, ImportError):
        return f"not installed ({error}); `pip install -e '.[bench]'` brings the runtimes"
    first_line = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {first_line}"


def _limit_threads(cpus: tuple[int, ...]) -> None:
    """Those CPUs only, and as many threads in every pool that is told by the environment."""
    os.sched_setaffinity(0, cpus)
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TVM_NUM_THREADS"):
        os.environ[variable] = str(len(cpus))


def _redirect_output(log: Path) -> None:
    """Send what is printed, by Python or by C, to the log."""
    sys.stdout.flush()
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
