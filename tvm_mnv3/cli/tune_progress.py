"""A line per workload while a network is tuned, and the estimate of the whole as it falls."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tvm_mnv3.cli.console import listing
from tvm_mnv3.tune import TuneResult
from tvm_mnv3.tuning.entry import LogEntry, Trust
from tvm_mnv3.tuning.network import network_score
from tvm_mnv3.tuning.run import Event
from tvm_mnv3.tuning.task import Task

if TYPE_CHECKING:
    from tvm_mnv3.network_trial import NetworkTrial

#: Seconds between two lines where there is no terminal.
_INTERVAL = 15.0


class TuneProgress:
    """A table that stays in place on a terminal; elsewhere a line now and then."""

    def __init__(self, console: Console, trials: int) -> None:
        self._console, self._trials = console, trials
        self._live = Live(console=console, refresh_per_second=2, transient=True) if console.is_terminal else None
        self._last = time.monotonic()
        self._failures: set[str] = set()
        self._modelled = self._emulated = self._tried = False

    def start(self, resumed: int, tasks: Sequence[Task]) -> None:
        """Say what there is to do."""
        before = f"; the log has {resumed} trials from before" if resumed else ""
        self._console.print(f"{len(tasks)} workloads, {self._trials} trials{before}")

    def show(self, event: Event) -> None:
        """A trial has ended."""
        self._tried = True
        self._modelled = event.entry.cycles is not None or self._modelled
        self._emulated = event.entry.emulated or self._emulated
        self._tell_failure(event.entry)
        if self._live is not None:
            self._live.update(Group(_task_table(event.tasks, self._modelled), Text(self._whole(event.tasks))))
        elif time.monotonic() - self._last > _INTERVAL:
            self._last = time.monotonic()
            self._console.print(self._whole(event.tasks))

    def contests(self, count: int) -> None:
        """All trials have ended."""
        if count:
            self._console.print(f"The fastest of {count} workloads now run in turns with the defaults.")

    def network(self, count: int) -> None:
        """All contests have ended."""
        self._console.print(f"The whole network now runs in turns with {_knobs(count)} that won and without.")

    def _tell_failure(self, entry: LogEntry) -> None:
        """Once for each kind of failure of each workload."""
        said = f"{entry.workload}: a candidate failed. {entry.failure}"
        if entry.trust == Trust.FAILED and said not in self._failures:
            self._failures.add(said)
            self._console.print(said)

    def _whole(self, tasks: Sequence[Task]) -> str:
        done, score = sum(task.trials for task in tasks), network_score(tasks)
        if score.known == 0:
            return f"{done} of {self._trials} trials"
        rest = "" if score.known == score.workloads else f" (of {score.known} of {score.workloads} workloads)"
        best, default = (score_text(value, self._modelled) for value in (score.best, score.default))
        where = " under an emulator" if self._emulated else ""
        return f"{done} of {self._trials} trials; all kernels {best}{where}, by default {default}{rest}"

    def __enter__(self) -> TuneProgress:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
        if error is not None and self._tried:
            self._console.print("What was tried is in the log; the same command goes on from there.")


def _task_table(tasks: Sequence[Task], modelled: bool) -> Table:
    columns = ("workload", "trials", "default", "best", "gain")
    rows = [(t.name, str(t.trials), *_scores(t.default_score, t.best_score, modelled)) for t in tasks]
    return listing(columns, rows, numbers=columns[1:])


def result_table(result: TuneResult) -> Table:
    """What came of each workload, and of all together."""
    columns = ("workload", "uses", "trials", "default", "best", "gain")
    rows = [
        (w.name, str(w.uses), str(w.trials), *_scores(w.default, w.best, result.modelled)) for w in result.workloads
    ]
    known = [w for w in result.workloads if w.default < float("inf")]
    sums = (sum(w.uses * w.default for w in known), sum(w.uses * w.best for w in known))
    rows.append(("all layers", "", str(result.trials), *_scores(*sums, result.modelled)))
    untuned = [w.name for w in result.workloads if w.trials == 0]
    if untuned:
        rows.append((f"{len(untuned)} workloads had no trial", "", "", "", "", ""))
    return listing(columns, rows, numbers=columns[1:])


def network_sentences(result: TuneResult) -> list[str]:
    """What the whole network made of the knobs that won, one sentence for each trial of it."""
    return [_of_network(trial) for trial in result.network]


def _of_network(trial: NetworkTrial) -> str:
    times = ", ".join(
        f"{ratio.value:.3f} ({ratio.low:.3f} to {ratio.high:.3f}) on {threads} thread{'s' if threads > 1 else ''}"
        for threads, ratio in trial.ratios.items()
    )
    outcome = "they stay" if trial.faster else "that is not faster beyond doubt"
    return f"The whole network with {_knobs(len(trial.workloads))}, of its time with the defaults: {times}; {outcome}."


def _knobs(workloads: int) -> str:
    return f"the knobs of {workloads} workloads" if workloads != 1 else "the knobs of one workload"


def _scores(default: float, best: float, modelled: bool) -> tuple[str, str, str]:
    gain = f"{1 - best / default:.1%}" if 0 < default < float("inf") else "-"
    return score_text(default, modelled), score_text(best, modelled), gain


def score_text(score: float, modelled: bool) -> str:
    """With its unit: modelled cycles, or a time."""
    if score == float("inf"):
        return "-"
    if modelled:
        return f"{score / 1e6:.2f} M cycles" if score >= 1e6 else f"{score:,.0f} cycles"
    return f"{score * 1e3:.2f} ms" if score >= 1e-3 else f"{score * 1e6:.1f} us"
