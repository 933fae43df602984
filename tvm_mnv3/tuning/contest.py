"""The end of a run that measures: each workload's fastest candidates and its default once more, in turns.

The fastest of many noisy times is often a lucky one. So the few that seem fastest run again, in turns with the
template's default, and it stays the default unless another is faster in most rounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from tvm_mnv3.schedules.tiles import imbalance
from tvm_mnv3.tuning.budget import GAIN
from tvm_mnv3.tuning.build import BuiltKernel
from tvm_mnv3.tuning.candidate import Candidate
from tvm_mnv3.tuning.entry import LogEntry, Trust
from tvm_mnv3.tuning.pipeline import Pipeline
from tvm_mnv3.tuning.score import Score
from tvm_mnv3.tuning.task import Task
from tvm_mnv3.tuning.winners import default_of

#: Candidates that run against the default, and how often each has its turn.
CONTENDERS = 3
ROUNDS = 8
#: Two threads may take so many times as long for an uneven number of tasks.
_AS_EVEN = 1.05
#: Seconds between two looks at what is on its way.
_LOOK = 0.05


@dataclass(frozen=True)
class Contest:
    """Who runs against whom.

    Parameters
    ----------
    candidates
        The default first.
    """

    task: Task
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class Verdict:
    """What came of a contest.

    Parameters
    ----------
    default, winner
        With their times in seconds, the median of each round; the same where the default stays.
    """

    task: Task
    default: tuple[Candidate, Score]
    winner: tuple[Candidate, Score]


def contests(tasks: Sequence[Task], entries: Sequence[LogEntry]) -> list[Contest]:
    """The contests that are due: of workloads that had a trial since their last one, or whose default was another then.

    Parameters
    ----------
    entries
        All of a log that belong to the run, in its order.
    """
    due = []
    for task in tasks:
        own = [entry for entry in entries if entry.workload == task.name]
        if task.default is None or not own or (own[-1].rounds and default_of(task, own) is not None):
            continue
        default = task.default
        others = {one.key: one for one in _best_first(own) if one.key != default.key}
        if others:
            due.append(Contest(task, (default, *list(others.values())[:CONTENDERS])))
    return due


def _best_first(entries: Sequence[LogEntry]) -> list[Candidate]:
    """Whoever won the last contest, and the fastest of the trials."""
    before = [entry for entry in entries if entry.rounds][-1:]
    trials = (entry for entry in entries if not entry.rounds and entry.trust <= Trust.NOISY)
    ranked = [*before, *sorted(trials, key=lambda entry: entry.score)]
    return [Candidate(entry.workload, entry.space, entry.knobs) for entry in ranked]


def hold(due: Sequence[Contest], pipeline: Pipeline, stop: Callable[[], None]) -> Iterator[Verdict]:
    """Hold contests. First all is built, for a builder that works meanwhile would disturb what is measured.

    Parameters
    ----------
    stop
        Called often; it may raise to end the run.

    Raises
    ------
    EnvironmentProblem
        The device is gone for good.
    """
    built = [(contest, [pipeline.build(candidate) for candidate in contest.candidates]) for contest in due]
    _wait([future for _, futures in built for future in futures], stop)
    for contest, futures in built:
        kernels = [result[0] for future in futures if not future.exception() and (result := future.result())]
        ready = evenly_shared([kernel for kernel in kernels if isinstance(kernel, BuiltKernel)])
        measured = pipeline.in_turns(ready, ROUNDS)
        _wait([measured], stop)
        verdict = _verdict(contest, ready, measured.result())
        if verdict is not None:
            yield verdict


def evenly_shared(kernels: Sequence[BuiltKernel]) -> list[BuiltKernel]:
    """Those whose tasks two threads share about as evenly as the first's, the default's: only one thread is timed here.

    (A dense layer of V3-Large in three tasks instead of two is 6 % faster on one thread, and makes the whole network
    1.3 % slower on two: Emerald Rapids, 2026-11-28.)
    """
    return [each for each in kernels if imbalance(each.tasks, 2) <= imbalance(kernels[0].tasks, 2) * _AS_EVEN]


def _wait(futures: Sequence[Future[Any]], stop: Callable[[], None]) -> None:
    while not all(future.done() for future in futures):
        stop()
        time.sleep(_LOOK)
    stop()


def _verdict(contest: Contest, kernels: Sequence[BuiltKernel], rounds: Sequence[Sequence[Score]]) -> Verdict | None:
    """None where the default failed; it stays where all others did, or were left out."""
    scores: dict[str, list[Score]] = {}
    for one_round in rounds:
        for kernel, score in zip(kernels, one_round, strict=True):
            scores.setdefault(kernel.candidate.key, []).append(score)
    whole = [one for one in contest.candidates if all(s.seconds for s in scores.get(one.key, [Score()]))]
    if not whole or whole[0].key != contest.candidates[0].key:
        return None
    times = [[float(np.median(score.seconds)) for score in scores[one.key]] for one in whole]
    place = winner(times)
    results = [
        (
            one,
            Score(
                seconds=tuple(of_one), device=scores[one.key][-1].device, temperature=scores[one.key][-1].temperature
            ),
        )
        for one, of_one in zip(whole, times, strict=True)
    ]
    return Verdict(contest.task, results[0], results[place])


def winner(times: Sequence[Sequence[float]]) -> int:
    """Who is to be used: the first, unless another is faster by `GAIN` in three quarters of the rounds.

    Parameters
    ----------
    times
        Of each, the default first, one per round.
    """
    default = np.asarray(times[0])
    gains = [1 - np.asarray(of_one) / default for of_one in times]
    best = max(range(len(times)), key=lambda place: float(np.median(gains[place])))
    return best if float(np.quantile(gains[best], 0.25)) >= GAIN else 0
