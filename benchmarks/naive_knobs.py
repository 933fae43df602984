"""What tuning makes of bad knobs: ``python -m benchmarks.naive_knobs [--model NAME] [--core CORE] [--trials N]``.

Every workload begins with naive knobs: of the corners of its template's space the one with the most modelled cycles.
The search knows neither the other corners nor the template's default, and what it finds is compared with that default.
No device takes part (``--device model:CORE`` of ``tvm-mnv3 tune``), so the figures are the same on every machine, but
for the order in which trials end. docs/tuning.md has the result.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.terminal import output_console, plain_table
from tvm_mnv3 import CompileOptions
from tvm_mnv3.codegen.object_code import llvm_target
from tvm_mnv3.compile import core_and_platform
from tvm_mnv3.errors import Mnv3Error
from tvm_mnv3.targets import Core
from tvm_mnv3.tune import ROUND, workloads_of
from tvm_mnv3.tuning.budget import Budget
from tvm_mnv3.tuning.candidate import Candidate, of_template, template_of
from tvm_mnv3.tuning.cost_model import CostModel
from tvm_mnv3.tuning.knob_space import KnobSpace
from tvm_mnv3.tuning.log_file import open_log
from tvm_mnv3.tuning.pipeline import Pipeline
from tvm_mnv3.tuning.registry import open_tuning_device
from tvm_mnv3.tuning.run import TuningRun
from tvm_mnv3.tuning.task import Task
from tvm_mnv3.tuning.template_search import TemplateSearch
from tvm_mnv3.workload import Workload

_PATIENCE = 64


@dataclass(frozen=True)
class Comparison:
    """One workload: modelled cycles with naive knobs, with those that were found, and with the template's default."""

    name: str
    uses: int
    trials: int
    naive: float
    found: float
    default: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark as the command line says; the exit code, 1 where the bar is missed."""
    options = _parser().parse_args(arguments)
    asked = CompileOptions(options.model, core=options.core)
    try:
        comparisons = tune_from_naive(asked, options.trials, options.seed)
    except Mnv3Error as error:
        Console(stderr=True).print(f"error: {error}", markup=False, soft_wrap=True)
        return error.exit_code
    return _report(comparisons, options.within, output_console())


def tune_from_naive(asked: CompileOptions, trials: int, seed: int) -> list[Comparison]:
    """Tune the kernels of a model from naive knobs on, by modelled cycles.

    Parameters
    ----------
    trials
        Of the search; those that find the naive knobs come before.
    """
    core, platform = core_and_platform(asked)
    device = open_tuning_device(f"model:{core.name}", core)
    with Pipeline(core, platform.c_triple, device) as pipeline, tempfile.TemporaryDirectory() as folder:
        uses = workloads_of(asked)
        workloads = [Workload.parse(name) for name in uses]
        corners = {w.name: KnobSpace(template_of(w).knobs(w, core)).corners() for w in workloads}
        defaults = {w.name: template_of(w).default(w, core) for w in workloads}
        cycles = _cycles(pipeline, [of_template(w, k) for w in workloads for k in (*corners[w.name], defaults[w.name])])

        def cycles_of(workload: Workload, knobs: Any) -> float:
            return cycles[of_template(workload, knobs).key]

        naive = {w.name: max(corners[w.name], key=partial(cycles_of, w)) for w in workloads}
        tasks = _tasks(uses, naive, core, seed)
        with open_log(Path(folder, "log.jsonl")) as log:
            budget = Budget.of(trials, len(tasks), ROUND, _PATIENCE)
            TuningRun(tasks, budget, core, log).run(pipeline, lambda event: None, lambda: None)
    return [
        Comparison(
            task.name, task.uses, task.trials, task.default_score, task.best_score,
            cycles_of(task.workload, defaults[task.name]),
        )
        for task in tasks
    ]  # fmt: skip


def _cycles(pipeline: Pipeline, candidates: Sequence[Candidate]) -> dict[str, float]:
    """Modelled cycles by the candidates' keys; those of a candidate that failed are missing from none: 0."""
    wanted = {candidate.key: candidate for candidate in candidates}
    by_workload: dict[str, list[Candidate]] = {}
    for candidate in wanted.values():
        by_workload.setdefault(candidate.workload, []).append(candidate)
    for group in by_workload.values():
        pipeline.submit(group)
    found: dict[str, float] = {}
    while len(found) < len(wanted):
        if (outcome := pipeline.wait(1.0)) is not None:
            candidate, score = outcome
            found[candidate.key] = score.cycles or 0.0
    return found


def _tasks(uses: Mapping[str, int], first: Mapping[str, Any], core: Core, seed: int) -> list[Task]:
    model = CostModel(llvm_target(core, f"{core.isa}-linux-gnu"))
    tasks = []
    for name, count in uses.items():
        workload = Workload.parse(name)
        search = TemplateSearch(workload, core, model, seed, first[name])
        tasks.append(Task(workload, count, search, of_template(workload, first[name])))
    return tasks


def _report(comparisons: Sequence[Comparison], within: float, console: Console) -> int:
    table = plain_table(
        "Modelled cycles", ["workload"], ["uses", "trials", "naive", "found", "default", "found/default"]
    )
    for one in comparisons:
        cycles = (f"{value:,.0f}" for value in (one.naive, one.found, one.default))
        table.add_row(one.name, str(one.uses), str(one.trials), *cycles, f"{one.found / one.default:.3f}")
    console.print(table)
    naive, found, default = (
        sum(one.uses * getattr(one, which) for one in comparisons) for which in ("naive", "found", "default")
    )
    trials = sum(one.trials for one in comparisons)
    console.print(
        f"\nThe whole network, {trials} trials: {naive / 1e6:.2f} M cycles with naive knobs, {found / 1e6:.2f} M with "
        f"those that were found, {default / 1e6:.2f} M by default: {found / default - 1:+.1%}."
    )
    return 0 if found <= (1 + within) * default else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.naive_knobs", description="Tunes a network from bad knobs on, by modelled cycles."
    )
    parser.add_argument("--model", default="mobilenet_v3_small", help="a name (mobilenet_v3_small)")
    parser.add_argument("--core", default="cortex-a76", help="an ARM core that has a model (cortex-a76)")
    parser.add_argument("--trials", type=int, default=600, help="of the whole network (600)")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn at random (0)")
    parser.add_argument("--within", type=float, default=0.05, help="the bar, in parts of the default's cycles (0.05)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
