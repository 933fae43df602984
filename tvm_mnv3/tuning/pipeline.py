"""Candidates on their way to a score: processes that build, threads that measure, both at once."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tvm_mnv3.compat import PopenPoolExecutor
from tvm_mnv3.targets import Core
from tvm_mnv3.tuning.build import BuildFailure, BuiltKernel, build_candidates
from tvm_mnv3.tuning.candidate import Candidate
from tvm_mnv3.tuning.device import TuningDevice
from tvm_mnv3.tuning.score import Score

#: Processes that build.
BUILDERS = 2
#: Seconds for one library, of up to `TuningDevice.batch` kernels, and for the process that builds it to start.
BUILD_TIMEOUT = 120.0
#: Seconds in which a device that is none has said so.
_AT_ONCE = 0.2

Outcome = tuple[Candidate, Score]


class Pipeline:
    """Builds what is submitted, and measures what is built; also a context manager that closes itself.

    Parameters
    ----------
    core, triple
        What is built for.
    device
        Where it is measured; it is closed with the pipeline.
    """

    def __init__(self, core: Core, triple: str, device: TuningDevice) -> None:
        self._core, self._triple, self.device = core, triple, device
        self._folder = Path(tempfile.mkdtemp(prefix="tvm-mnv3-tune-"))
        # TVM's own pool: its processes are killed when the time is over, and started anew when they crash.
        self._builders = PopenPoolExecutor(
            max_workers=BUILDERS,
            timeout=BUILD_TIMEOUT,
            initializer=leave_alone,
            initargs=(device.cpu,),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # The first process starts now, which takes seconds in which the caller has something else to do, and needs a
        # core for it; the second starts when it is wanted.
        self._builders.submit(build_candidates, [], core, triple, self._folder)
        self._threads = ThreadPoolExecutor(device.parallel)
        self._outcomes: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
        self._numbers = count()
        self._pending: set[Future[Any]] = set()
        self._closed = False

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Begin; each candidate becomes one outcome of `wait`."""
        for start in range(0, len(candidates), self.device.batch):
            self._build(list(candidates[start : start + self.device.batch]))

    def wait(self, timeout: float) -> Outcome | None:
        """The next outcome, or None when none comes in so many seconds.

        Raises
        ------
        EnvironmentProblem
            The device is gone for good.
        """
        try:
            outcome = self._outcomes.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def build(self, candidate: Candidate) -> Future[list[BuiltKernel | BuildFailure]]:
        """Build a candidate alone, for `in_turns`; its files are there until the pipeline is closed."""
        folder = self._folder / str(next(self._numbers))
        return self._start_build([candidate], folder)

    def in_turns(self, kernels: Sequence[BuiltKernel], rounds: int) -> Future[list[list[Score]]]:
        """Measure kernels one after another, and again: for each round the scores of all, in their order."""
        return self._threads.submit(
            lambda: [
                [score for kernel in kernels for score in self.device.measure([kernel], patient=False)]
                for _ in range(rounds)
            ]
        )

    def close(self) -> None:
        """Stop everything; what is in flight is lost."""
        self._closed = True
        for future in tuple(self._pending):
            future.cancel()  # TVM's pool would start its processes anew for what still waits
        self.device.close()
        self._builders.shutdown(wait=True)
        self._threads.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _build(self, batch: list[Candidate]) -> None:
        folder = self._folder / str(next(self._numbers))
        future = self._start_build(batch, folder)
        future.add_done_callback(lambda done: self._built(batch, done, folder))

    def _start_build(self, batch: list[Candidate], folder: Path) -> Future[list[BuiltKernel | BuildFailure]]:
        future: Future[list[BuiltKernel | BuildFailure]] = self._builders.submit(
            build_candidates, batch, self._core, self._triple, folder
        )
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def _built(self, batch: list[Candidate], done: Future[list[BuiltKernel | BuildFailure]], folder: Path) -> None:
        if self._closed:
            return
        error = done.exception()
        if error is not None and len(batch) > 1:
            for candidate in batch:  # one of them crashed the builder or took too long
                self._build([candidate])
        elif error is not None:
            what = "did not end in time" if isinstance(error, TimeoutError) else "crashed"
            self._outcomes.put((batch[0], self._failure(f"Its build {what}.")))
        else:
            self._threads.submit(self._measure, done.result(), folder)

    def _measure(self, built: Sequence[BuiltKernel | BuildFailure], folder: Path) -> None:
        try:
            kernels = [kernel for kernel in built if isinstance(kernel, BuiltKernel)]
            for kernel, score in zip(kernels, self.device.measure(kernels), strict=True):
                self._outcomes.put((kernel.candidate, score))
            for failed in built:
                if isinstance(failed, BuildFailure):
                    self._outcomes.put((failed.candidate, self._failure(failed.reason)))
        except BaseException as error:
            self._outcomes.put(error)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _failure(self, reason: str) -> Score:
        return Score(failure=reason, device=self.device.name, emulated=self.device.emulated)


@contextmanager
def opening(core: Core, triple: str, device: Callable[[], TuningDevice]) -> Iterator[Future[Pipeline]]:
    """A pipeline that starts in a thread of its own, for a device that takes seconds to open; closed in the end.

    Raises
    ------
    InputError, EnvironmentProblem
        What the device raises at once; later ones come from the future.
    """
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(lambda: Pipeline(core, triple, device()))
        try:
            wait([future], _AT_ONCE)
            if future.done():
                future.result()
            yield future
        finally:
            if future.exception() is None:
                future.result().close()


def leave_alone(cpu: int | None) -> None:
    """Keep this process off a CPU on which others measure, where there is another."""
    others = os.sched_getaffinity(0) - {cpu}
    if others:
        os.sched_setaffinity(0, others)


@contextmanager
def leaving_alone(cpu: int | None) -> Iterator[None]:
    """The same for this thread, for a while: the search takes a core for itself, which makes times spread."""
    before = os.sched_getaffinity(0)
    leave_alone(cpu)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
