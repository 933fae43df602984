"""``tune``: from a model to better knobs for its kernels, in a tuning log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tvm_mnv3.codegen.kernels import workload_names
from tvm_mnv3.codegen.object_code import llvm_target
from tvm_mnv3.compile import core_and_platform, import_asked, normal_form
from tvm_mnv3.errors import InputError
from tvm_mnv3.options import CompileOptions
from tvm_mnv3.targets import Core
from tvm_mnv3.tuning.budget import Budget
from tvm_mnv3.tuning.candidate import of_template, template_of
from tvm_mnv3.tuning.contest import contests, hold
from tvm_mnv3.tuning.cost_model import CostModel
from tvm_mnv3.tuning.earlier import earlier_entries
from tvm_mnv3.tuning.entry import SPACES, LogEntry
from tvm_mnv3.tuning.generated_search import GeneratedSearch
from tvm_mnv3.tuning.log_file import open_log, read_log
from tvm_mnv3.tuning.lookup import LOCAL_FOLDER
from tvm_mnv3.tuning.pipeline import leaving_alone, opening
from tvm_mnv3.tuning.registry import open_tuning_device
from tvm_mnv3.tuning.run import Event, TuningRun
from tvm_mnv3.tuning.task import Task
from tvm_mnv3.tuning.template_search import TemplateSearch
from tvm_mnv3.tuning.trustworthy import log_core
from tvm_mnv3.tuning.winners import default_of, winners
from tvm_mnv3.workload import Workload

if TYPE_CHECKING:
    from tvm_mnv3.network_trial import NetworkTrial

#: Trials that one workload is given at once.
ROUND = 16


@dataclass(frozen=True)
class TuneOptions:
    """What to tune, on what, and for how long.

    Parameters
    ----------
    compile
        The model, and what it is compiled for; its output and weights play no part.
    device
        ``model:CORE``: modelled cycles, no device.
    trials
        For the whole network, those of earlier runs that the log has included.
    space
        ``template``, ``generated`` (TVM's own space, for comparison), or ``auto``: the template's where there is one.
    log
        The log to go on with; by default ``tuning_logs/CORE.jsonl`` in the current folder.
    only
        Tune only these workloads, by name.
    patience
        A workload is left alone after so many trials without a gain of 1 %; 0: never.
    seed
        Of what is drawn at random.
    """

    compile: CompileOptions = field(default_factory=CompileOptions)
    device: str = "model:cortex-a76"
    trials: int = 1000
    space: str = "auto"
    log: Path | None = None
    only: tuple[str, ...] = ()
    patience: int = 64
    seed: int = 0


@dataclass(frozen=True)
class TunedWorkload:
    """What came of one workload.

    Parameters
    ----------
    uses
        How many layers of the network run it.
    trials
        All that count, earlier runs' included.
    default, best
        Scores: seconds or modelled cycles; infinite where there is none.
    """

    name: str
    uses: int
    trials: int
    default: float
    best: float


@dataclass(frozen=True)
class TuneResult:
    """What came of a run.

    Parameters
    ----------
    log
        Where the entries are.
    modelled
        Scores are modelled cycles, not seconds.
    emulated
        They are seconds of an emulator, which say nothing of a phone.
    resumed
        Trials that the log had before.
    trials
        All trials, these included.
    network
        Trials of the whole network, on this machine; the last one decided.
    """

    log: Path
    device: str
    modelled: bool
    emulated: bool
    resumed: int
    trials: int
    workloads: tuple[TunedWorkload, ...]
    network: tuple[NetworkTrial, ...] = ()


def tune_model(
    options: TuneOptions,
    on_start: Callable[[int, Sequence[Task]], None] = lambda resumed, tasks: None,
    on_event: Callable[[Event], None] = lambda event: None,
    on_contests: Callable[[int], None] = lambda count: None,
    on_network: Callable[[int], None] = lambda count: None,
    stop: Callable[[], None] = lambda: None,
) -> TuneResult:
    """Tune the kernels of a model; every trial is an entry of the log as soon as it has ended.

    The same options again go on where the log ends.

    Parameters
    ----------
    on_start
        Called with the number of earlier trials, and all tasks.
    on_event
        Called after each trial and each contest.
    on_contests
        Called after the last trial with the number of contests that are due (`tvm_mnv3.tuning.contest`).
    on_network
        Called before the trials of the whole network with the number of workloads that have other knobs than the
        default's (`tvm_mnv3.network_trial`).
    stop
        Called several times a second; what it raises ends the run.

    Raises
    ------
    InputError
        The model or an option is not usable, or another tuner holds the log.
    EnvironmentProblem
        The device or the disk is gone; what was measured is in the log.
    """
    if options.space not in ("auto", *SPACES):
        raise InputError(f"--space {options.space!r} is not one of auto, {', '.join(SPACES)}.")
    core, platform = core_and_platform(options.compile)
    log = options.log or LOCAL_FOLDER / f"{log_core(core)}.jsonl"
    with (
        open_log(log) as writer,
        opening(core, platform.c_triple, lambda: open_tuning_device(options.device, core)) as future,
    ):
        tasks = _tasks(options, core)
        pipeline = future.result()
        device = pipeline.device
        budget = Budget.of(options.trials, len(tasks), ROUND, options.patience)
        run = TuningRun(tasks, budget, core, writer)

        def entries() -> list[LogEntry]:
            return earlier_entries(read_log(log).entries, device, options.space == "generated", core)

        resumed = run.resume(entries())
        on_start(resumed, tasks)
        with leaving_alone(device.cpu):
            run.run(pipeline, on_event, stop)
            due = contests(tasks, entries())
            on_contests(len(due))
            for verdict in hold(due, pipeline, stop):
                on_event(run.decide(verdict))
        logged = entries()
        won = winners(tasks, logged) if options.device == "local" else []
        if won:
            on_network(len(won))
        network, turned_down = _in_network(options.compile, won)
        for task, default in _defaults(tasks, logged, turned_down):
            on_event(run.turn_down(task, default))
    results = tuple(TunedWorkload(t.name, t.uses, t.trials, t.default_score, t.best_score) for t in tasks)
    modelled, trials = options.device.startswith("model:"), sum(task.trials for task in tasks)
    return TuneResult(log, options.device, modelled, device.emulated, resumed, trials, results, network)


def _in_network(asked: CompileOptions, won: Sequence[LogEntry]) -> tuple[tuple[NetworkTrial, ...], set[str]]:
    """Trials of the whole network with what won, and the workloads whose defaults stay nevertheless."""
    if not won:
        return (), set()
    # It loads what times and compares bundles, which the start of a run does not wait for.
    from tvm_mnv3.network_trial import kept, trials_of

    trials: list[NetworkTrial] = []
    with trials_of(asked) as run_trial:
        stay = kept(won, run_trial, trials.append)
    return tuple(trials), {entry.workload for entry in won} - {entry.workload for entry in stay}


def _defaults(tasks: Sequence[Task], entries: Sequence[LogEntry], names: set[str]) -> list[tuple[Task, LogEntry]]:
    """The tasks of these names, each with its default's entry in its last contest."""
    found = [(task, default_of(task, entries)) for task in tasks if task.name in names]
    return [(task, default) for task, default in found if default is not None]


def workloads_of(asked: CompileOptions) -> dict[str, int]:
    """The names of a model's workloads, and how many of its layers run each.

    Raises
    ------
    InputError
        The model is not usable.
    """
    return dict(workload_names(normal_form(import_asked(asked, shapes_only=True), asked)))


def _tasks(options: TuneOptions, core: Core) -> list[Task]:
    """The workloads of the model, each with its search."""
    uses = workloads_of(options.compile)
    unknown = [name for name in options.only if name not in uses]
    if unknown:
        raise InputError(f"--only {unknown[0]}: the model has no such workload; `tvm-mnv3 inspect` lists a bundle's.")
    target = llvm_target(core, f"{core.isa}-linux-gnu")
    model = CostModel(target)
    tasks = []
    for workload in map(Workload.parse, options.only or uses):
        if options.space == "generated":
            generated = GeneratedSearch(workload, target, model, options.seed)
            tasks.append(Task(workload, uses[workload.name], generated, None))
        else:
            default = of_template(workload, template_of(workload).default(workload, core))
            search = TemplateSearch(workload, core, model, options.seed)
            tasks.append(Task(workload, uses[workload.name], search, default))
    return tasks
