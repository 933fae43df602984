"""The tuning of a network's workloads, from the first trial, or from what a log has, to the last."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version

from tvm_mnv3 import __version__
from tvm_mnv3.targets import Core
from tvm_mnv3.tuning.budget import GAIN, Budget
from tvm_mnv3.tuning.candidate import Candidate, template_of
from tvm_mnv3.tuning.contest import Verdict
from tvm_mnv3.tuning.entry import LogEntry, Trust
from tvm_mnv3.tuning.log_file import LogWriter
from tvm_mnv3.tuning.pipeline import Pipeline
from tvm_mnv3.tuning.plain import PLAIN_VERSION
from tvm_mnv3.tuning.score import Score
from tvm_mnv3.tuning.task import Task
from tvm_mnv3.tuning.trustworthy import log_core

#: Rounds that are on their way at once: one is measured while the next is built.
_ROUNDS_IN_FLIGHT = 2


@dataclass(frozen=True)
class Event:
    """Something that a progress display shows: a trial or a contest ended.

    Parameters
    ----------
    task
        Whose.
    entry
        As it was logged.
    tasks
        All of them.
    """

    task: Task
    entry: LogEntry
    tasks: Sequence[Task]


class TuningRun:
    """The trials of one command.

    Parameters
    ----------
    core
        What candidates are compiled for.
    """

    def __init__(self, tasks: Sequence[Task], budget: Budget, core: Core, log: LogWriter) -> None:
        self.tasks = tasks
        self._budget, self._core, self._log = budget, core, log
        self._of_name = {task.name: task for task in tasks}

    def resume(self, entries: Sequence[LogEntry]) -> int:
        """Take in what a log has from an earlier run; how many trials that is."""
        taken = 0
        for entry in entries:
            task = self._of_name.get(entry.workload)
            if task is None:
                continue
            candidate = Candidate(entry.workload, entry.space, entry.knobs)
            if entry.rounds:
                self._settle(task, candidate, entry)
            else:
                self._count(task, candidate, entry)
                taken += 1
        return taken

    def run(self, pipeline: Pipeline, on_event: Callable[[Event], None], stop: Callable[[], None]) -> None:
        """Try until the budget is spent or nothing is left to gain.

        Parameters
        ----------
        on_event
            Called after each trial.
        stop
            Called often; it may raise to end the run. What was measured is in the log.
        """
        while True:
            stop()
            submitted = self._submit(pipeline)
            if not submitted and not any(task.in_flight for task in self.tasks):
                return
            outcome = pipeline.wait(0.0 if submitted else 0.2)
            stop()  # a Ctrl-C ends the builders too, and their candidates have not failed
            if outcome is not None:
                self._finish(*outcome, on_event)

    def decide(self, verdict: Verdict) -> Event:
        """Log what came of a contest: the default, and behind it whoever won against it."""
        task = verdict.task
        results = [verdict.default, verdict.winner] if verdict.winner != verdict.default else [verdict.default]
        for candidate, score in results:
            entry = replace(self._entry(candidate, score), rounds=len(score.seconds))
            self._log.append(entry)
            self._settle(task, candidate, entry)
        return Event(task, entry, self.tasks)

    def turn_down(self, task: Task, default: LogEntry) -> Event:
        """Log that the default stays, whoever won its contest; `default` is its entry there."""
        assert task.default is not None, "a contest is against a default"
        entry = replace(default, date=_now())
        self._log.append(entry)
        self._settle(task, task.default, entry)
        return Event(task, entry, self.tasks)

    def _settle(self, task: Task, candidate: Candidate, entry: LogEntry) -> None:
        """Take a contest's score in place of those of trials."""
        if task.default is not None and candidate.key == task.default.key:
            task.default_score = entry.score
        task.best_score, task.best = entry.score, candidate

    def _submit(self, pipeline: Pipeline) -> bool:
        """Send one round more on its way, unless there are enough; whether there was one."""
        if sum(task.in_flight for task in self.tasks) >= self._budget.round_size * _ROUNDS_IN_FLIGHT:
            return False
        chosen = self._budget.next(self.tasks)
        if chosen is None:
            return False
        task, count = chosen
        self._teach(task)
        candidates = task.search.propose(count)
        task.exhausted = not candidates
        task.in_flight += len(candidates)
        pipeline.submit(candidates)
        return True

    def _teach(self, task: Task) -> None:
        """The search learns from all that has ended since its last round."""
        if task.learned:
            candidates, scores = zip(*task.learned, strict=True)
            task.search.learn(candidates, scores)
            task.learned.clear()

    def _finish(self, candidate: Candidate, score: Score, on_event: Callable[[Event], None]) -> None:
        task = self._of_name[candidate.workload]
        entry = self._entry(candidate, score)
        self._log.append(entry)
        task.in_flight -= 1
        self._count(task, candidate, entry)
        on_event(Event(task, entry, self.tasks))

    def _count(self, task: Task, candidate: Candidate, entry: LogEntry) -> None:
        """Book a trial."""
        task.trials += 1
        task.since_best += 1
        task.learned.append((candidate, entry.score))
        if task.default is not None and candidate.key == task.default.key and entry.trust < Trust.FAILED:
            task.default_score = min(task.default_score, entry.score)
        if entry.score < task.best_score:
            if entry.score < task.best_score * (1 - GAIN):
                task.since_best = 0
            task.best_score, task.best = entry.score, candidate

    def _entry(self, candidate: Candidate, score: Score) -> LogEntry:
        template = template_of(self._of_name[candidate.workload].workload)
        generated = candidate.space == "generated"
        return LogEntry(
            workload=candidate.workload,
            core=log_core(self._core),
            space=candidate.space,
            template=template.operator,
            template_version=PLAIN_VERSION if generated else template.version,
            knobs=candidate.knobs,
            device=score.device,
            versions={"tvm-mnv3": __version__, "apache-tvm": version("apache-tvm")},
            date=_now(),
            seconds=score.seconds,
            cycles=score.cycles,
            model=score.model,
            failure=score.failure,
            emulated=score.emulated,
            temperature=score.temperature,
        )


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
