"""``local``: this machine. Each candidate runs in a process of its own, so that a crash or a hang costs only it."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from tvm_mnv3.codegen.toolchain import compile_c, link_executable
from tvm_mnv3.devices.helpers import built_once
from tvm_mnv3.errors import EnvironmentProblem
from tvm_mnv3.measuring.machine import choose_cpus
from tvm_mnv3.targets import Core
from tvm_mnv3.tuning.build import BuiltKernel, complaint_of
from tvm_mnv3.tuning.score import Score
from tvm_mnv3.tuning.steady import steady_times

#: Seconds for a candidate: checked and timed it takes a tenth of one.
TIMEOUT = 20.0
#: Times that are taken, each over at least so many milliseconds.
_REPEATS = 5
_MILLISECONDS = 4

_SOURCE = Path(__file__).resolve().parent / "native" / "kernel_run.c"


class LocalDevice:
    """This machine, one candidate at a time."""

    name = "local"
    emulated = False
    batch = 4
    #: Two at once would disturb each other.
    parallel = 1

    def __init__(self, core: Core) -> None:
        (self.cpu,) = choose_cpus(1)
        self._closed = threading.Event()
        self._program = kernel_runner(f"{core.isa}-linux-gnu.2.28")

    def measure(self, kernels: Sequence[BuiltKernel], *, patient: bool = True) -> Iterator[Score]:
        """The score of each (see `TuningDevice.measure`)."""
        return (self._measure(kernel, patient) for kernel in kernels)

    def close(self) -> None:
        """End a measurement before its next run."""
        self._closed.set()

    def _measure(self, kernel: BuiltKernel, patient: bool) -> Score:
        with tempfile.TemporaryDirectory() as folder:
            results = Path(folder, "results")
            try:
                seconds = steady_times(lambda: self._run(kernel, results), self._pause, patient=patient)
            except _CandidateError as error:
                return Score(failure=str(error), device=self.name)
            failure = complaint_of(kernel, results.read_bytes())
            if failure is not None:
                return Score(failure=failure, device=self.name)
            return Score(seconds=seconds, device=self.name)

    def _pause(self, seconds: float) -> None:
        self._closed.wait(seconds)

    def _run(self, kernel: BuiltKernel, results: Path) -> list[float]:
        """Seconds of one run, a few times."""
        if self._closed.is_set():
            raise EnvironmentProblem("The run has ended.")
        command = [
            str(self._program), str(kernel.library), kernel.symbol, str(kernel.tasks), str(kernel.operands),
            str(results), *map(str, (_REPEATS, _MILLISECONDS, self.cpu, *kernel.weights, *kernel.operand_bytes)),
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, env={}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired as error:
            raise _CandidateError(f"It did not end in {TIMEOUT:g} s.") from error
        if done.returncode < 0:
            raise _CandidateError(f"It crashed ({signal.Signals(-done.returncode).name}).")
        if done.returncode != 0:
            raise _CandidateError(f"Its run failed: {done.stderr.strip()[:200]}")
        return [float(line) for line in done.stdout.split()]


class _CandidateError(Exception):
    """A candidate crashed, hung or did not run; the message is a sentence."""


def kernel_runner(triple: str) -> Path:
    """The program of native/kernel_run.c for that target."""

    def build(folder: Path, out: Path) -> None:
        objects = compile_c([_SOURCE], triple=triple, out=folder, freestanding=False)
        link_executable(objects, triple=triple, out=out, libraries=("dl",))

    return built_once("kernel_run", triple, (_SOURCE, Path(__file__)), build)
