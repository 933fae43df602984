"""Modelled cycles of many small kernels at once: what a tuner scores its candidates with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tvm_mnv3.errors import EnvironmentProblem
from tvm_mnv3.estimate.code import read_code
from tvm_mnv3.estimate.core_models import CoreModel
from tvm_mnv3.estimate.disassembly import disassemble
from tvm_mnv3.estimate.pricing import price_all
from tvm_mnv3.estimate.tools import Tools
from tvm_mnv3.estimate.trace import Block, KernelCall, trace_kernel


@dataclass(frozen=True)
class ModelledRun:
    """One kernel's cycles, or why there are none."""

    cycles: float | None
    failure: str | None = None


def model_kernels(
    library: Path,
    calls: Sequence[KernelCall],
    core: str,
    model: CoreModel,
    tools: Tools,
    timeout: float,
    check: Callable[[], None] = lambda: None,
) -> list[ModelledRun]:
    """Cycles of each call by one model, caches perfect; one that crashes or does not end costs no other.

    As `tvm_mnv3.estimate.estimate_kernel`, but every tool runs once for all of them where it can.

    Parameters
    ----------
    timeout
        Seconds of the emulator for each call.
    check
        Called before each; what it raises ends all.

    Raises
    ------
    EnvironmentProblem
        A tool failed for a reason that is no kernel's.
    """
    traces: list[list[Block] | str] = []
    for call in calls:
        check()
        traces.append(_trace(library, call, core, tools, timeout))
    code = read_code(library)
    words = [[code.words(b.offset, b.instructions) for b in t] if not isinstance(t, str) else [] for t in traces]
    text_of = disassemble((word for of_run in words for of_block in of_run for word in of_block), tools)
    runs = [
        [(block, [text_of[word] for word in of_block]) for block, of_block in zip(trace, of_run, strict=True)]
        if not isinstance(trace, str)
        else []
        for trace, of_run in zip(traces, words, strict=True)
    ]
    priced = price_all(runs, (model,), tools)
    return [
        ModelledRun(None, trace) if isinstance(trace, str) else ModelledRun(sum(p.cycles[model.name] for p in prices))
        for trace, prices in zip(traces, priced, strict=True)
    ]


def _trace(library: Path, call: KernelCall, core: str, tools: Tools, timeout: float) -> list[Block] | str:
    """What ran, or what went wrong."""
    try:
        return trace_kernel(library, call, core, (), tools, timeout)
    except EnvironmentProblem as problem:
        return str(problem)
