"""``model:CORE``: no device at all. Candidates run under the emulator for their numbers, and get modelled cycles."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from tvm_mnv3.errors import EnvironmentProblem
from tvm_mnv3.estimate.candidates import ModelledRun, model_kernels
from tvm_mnv3.estimate.estimate import models_of
from tvm_mnv3.estimate.tools import find_tools
from tvm_mnv3.estimate.trace import KernelCall
from tvm_mnv3.tuning.build import BuiltKernel, complaint_of
from tvm_mnv3.tuning.score import Score

#: Seconds of the emulator for one kernel: the slowest of the family take two.
TIMEOUT = 60.0


class ModelDevice:
    """A core as `tvm_mnv3.estimate` models it.

    Parameters
    ----------
    core
        One that has a model.

    Raises
    ------
    InputError
        There is no model of that core.
    EnvironmentProblem
        A tool is missing.
    """

    #: It gives cycles, no times.
    emulated = False
    cpu = None
    #: Candidates that are compiled into one library and modelled together.
    batch = 8
    #: Threads that measure at once: the tools are processes of their own.
    parallel = 2

    def __init__(self, core: str) -> None:
        self.name = f"model:{core}"
        self._core = core
        self._model = models_of(core)[0]
        self._tools = find_tools()
        self._closed = False

    def measure(self, kernels: Sequence[BuiltKernel], *, patient: bool = True) -> list[Score]:
        """The score of each; there is nothing to be patient about."""
        scores: list[Score] = []
        for library, of_library in groupby(kernels, key=lambda kernel: kernel.library):
            scores += self._measure(library, list(of_library))
        return scores

    def _measure(self, library: Path, kernels: Sequence[BuiltKernel]) -> list[Score]:
        with tempfile.TemporaryDirectory() as folder:
            calls = [
                KernelCall(k.symbol, k.tasks, k.operand_bytes, k.operands, Path(folder, k.symbol)) for k in kernels
            ]
            runs = model_kernels(library, calls, self._core, self._model, self._tools, TIMEOUT, self._check)
            return [self._score(*both, Path(folder, both[0].symbol)) for both in zip(kernels, runs, strict=True)]

    def _score(self, kernel: BuiltKernel, run: ModelledRun, results: Path) -> Score:
        failure = run.failure or complaint_of(kernel, results.read_bytes())
        if failure is not None:
            return Score(failure=failure, device=self.name)
        return Score(cycles=run.cycles, model=self._model.name, device=self.name)

    def close(self) -> None:
        """End a measurement before its next kernel."""
        self._closed = True

    def _check(self) -> None:
        if self._closed:
            raise EnvironmentProblem("The run has ended.")
