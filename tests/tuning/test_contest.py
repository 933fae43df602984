"""At the end of a run the fastest run against the default, which stays unless another is faster in most rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import cast

import pytest
from support.tasks import task_of

from tvm_mnv3.targets import load_core
from tvm_mnv3.tuning.budget import Budget
from tvm_mnv3.tuning.build import BuiltKernel
from tvm_mnv3.tuning.candidate import Candidate, of_template, template_of
from tvm_mnv3.tuning.contest import CONTENDERS, ROUNDS, contests, evenly_shared, hold, winner
from tvm_mnv3.tuning.entry import LogEntry, Trust, best_of
from tvm_mnv3.tuning.log_file import open_log, read_log
from tvm_mnv3.tuning.lookup import tuned_knobs
from tvm_mnv3.tuning.pipeline import Pipeline
from tvm_mnv3.tuning.run import TuningRun
from tvm_mnv3.tuning.score import Score
from tvm_mnv3.tuning.task import Task
from tvm_mnv3.workload import Workload

CORE = load_core("cortex-a76")
WORKLOAD = Workload.parse("pool_h7w7_c40_f32")
SPACE = template_of(WORKLOAD).knobs(WORKLOAD, CORE)
DEFAULT = template_of(WORKLOAD).default(WORKLOAD, CORE)
EntryOf = Callable[..., LogEntry]


def task() -> Task:
    return task_of(WORKLOAD, CORE)


@pytest.fixture
def trial(entry_of: EntryOf) -> Callable[..., LogEntry]:
    """A trial on this machine of the assignment of that index, or a contest's entry."""

    def make(index: int, milliseconds: float, **fields: object) -> LogEntry:
        return entry_of(WORKLOAD.name, index, device="local", seconds=(1e-3 * milliseconds,) * 5, **fields)

    return make


@pytest.mark.parametrize(
    ("times", "place"),
    [
        ([[10, 10, 10, 10], [8, 8, 8, 8]], 1),
        ([[10, 10, 10, 10], [9, 9, 9, 9], [8, 8, 8, 8]], 2),
        ([[10, 10, 10, 10], [9.95, 9.95, 9.95, 9.95]], 0),  # less than counts
        ([[10, 10, 10, 10], [5, 11, 5, 11]], 0),  # lucky
        ([[10, 12, 14, 16], [9, 11, 13, 15]], 1),  # the machine slows down for both
        ([[10, 10, 10, 10]], 0),
    ],
)
def test_default_stays_unless_another_is_faster_in_most_rounds(times: list[list[float]], place: int) -> None:
    assert winner(times) == place


def test_fastest_trials_run_against_the_default(trial: EntryOf) -> None:
    others = [index for index, knobs in enumerate(SPACE) if knobs != DEFAULT]
    trials = [trial(SPACE.index(DEFAULT), 5), *(trial(index, 9 - place) for place, index in enumerate(others))]
    (contest,) = contests([task()], trials)
    assert [one.knobs for one in contest.candidates] == [
        trials[0].knobs, *(entry.knobs for entry in trials[:-1 - CONTENDERS:-1])
    ]  # fmt: skip


def test_contest_is_due_only_after_new_trials_and_sees_the_last_winner_again(trial: EntryOf) -> None:
    default, winning = SPACE.index(DEFAULT), trial(2, 4, rounds=ROUNDS)
    before = [trial(default, 5), trial(1, 1), trial(2, 3), trial(default, 5, rounds=ROUNDS), winning]
    assert contests([task()], before) == []
    (again,) = contests([task()], [*before, *(trial(index, 0.5) for index in range(4, 8))])
    assert winning.knobs in [one.knobs for one in again.candidates]


def test_what_only_models_or_emulators_scored_is_not_run_again(entry_of: EntryOf) -> None:
    assert contests([task()], [entry_of(WORKLOAD.name, index, cycles=1.0, model="n1w") for index in (0, 1)]) == []
    assert contests([task()], [entry_of(WORKLOAD.name, i, seconds=(1.0,), emulated=True) for i in (0, 1)]) == []


def test_contest_is_due_again_where_a_newer_version_has_another_default(trial: EntryOf) -> None:
    then, winner, *_ = (index for index, knobs in enumerate(SPACE) if knobs != DEFAULT)
    before = [trial(then, 2), trial(winner, 1), trial(then, 2, rounds=ROUNDS), trial(winner, 1, rounds=ROUNDS)]
    (again,) = contests([task()], before)
    assert [one.knobs for one in again.candidates[:2]] == [
        of_template(WORKLOAD, DEFAULT).knobs, before[-1].knobs
    ]  # fmt: skip


def test_last_contest_decides_what_compile_uses_whatever_trials_say(trial: EntryOf, tmp_path: Path) -> None:
    first = trial(1, 1.0, rounds=ROUNDS, date="2026-11-25T00:00:00Z")
    default, last = (trial(index, time, rounds=ROUNDS, date="2026-11-25T01:00:00Z") for index, time in ((0, 4), (2, 3)))
    entries = [trial(3, 0.1), first, default, last, trial(4, 0.2)]
    assert last.trust == Trust.CONFIRMED
    assert best_of(entries) == last
    log = tmp_path / "cortex-a76.jsonl"
    with open_log(log) as writer:
        for entry in entries:
            writer.append(entry)
    assert tuned_knobs([log], [WORKLOAD.name], CORE).entries[WORKLOAD.name] == last


@pytest.mark.parametrize(
    ("tasks", "kept"),
    [
        ((2, 3, 4, 1), (2, 4)),
        ((3, 2, 7, 1), (3, 2, 7)),
        ((50, 49, 25, 7), (50, 49, 25)),
        ((1, 1, 2), (1, 1, 2)),
        ((), ()),
    ],
)
def test_candidates_that_two_threads_share_less_evenly_than_the_default_do_not_run(
    tasks: tuple[int, ...], kept: tuple[int, ...]
) -> None:
    candidate, nowhere = of_template(WORKLOAD, DEFAULT), Path()
    kernels = [BuiltKernel(candidate, nowhere, "kernel", count, (), (0, 0), (0, 0), nowhere) for count in tasks]
    assert tuple(kernel.tasks for kernel in evenly_shared(kernels)) == kept


class Lucky:
    """Every kernel takes the same time, but for the first times that it tells."""

    name, emulated, batch, parallel, cpu = "local", False, 4, 1, None

    def measure(self, kernels: Sequence[BuiltKernel], *, patient: bool = True) -> list[Score]:
        assert not patient
        return [Score(seconds=(1e-3,), device=self.name) for _ in kernels]

    def close(self) -> None:
        pass


@pytest.mark.slow
def test_lucky_trial_loses_against_the_default_and_the_log_says_so(trial: EntryOf, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    these = [task()]
    with open_log(log) as writer, Pipeline(CORE, "aarch64-linux-gnu.2.28", Lucky()) as pipeline:
        for entry in (trial(SPACE.index(DEFAULT), 1.0), trial(1, 0.1)):
            writer.append(entry)
        run = TuningRun(these, Budget(2, 1, 1, 0), CORE, writer)
        run.resume(read_log(log).entries)
        assert these[0].best_score == pytest.approx(1e-4)
        for verdict in hold(contests(these, read_log(log).entries), pipeline, lambda: None):
            run.decide(verdict)
    entries = read_log(log).entries
    chosen = best_of(entries)
    assert chosen == entries[-1]
    assert chosen is not None
    assert (chosen.rounds, chosen.knobs) == (ROUNDS, of_template(WORKLOAD, DEFAULT).knobs)
    assert these[0].best_score == these[0].default_score == pytest.approx(1e-3)
    assert contests(these, entries) == []


class Uneven:
    """A pipeline whose first kernel, the default's, has two tasks, and every other three."""

    def __init__(self) -> None:
        self.built = 0

    def build(self, candidate: Candidate) -> Future[list[BuiltKernel]]:
        done: Future[list[BuiltKernel]] = Future()
        tasks, nowhere = 3 if self.built else 2, Path()
        done.set_result([BuiltKernel(candidate, nowhere, "kernel", tasks, (), (0, 0), (0, 0), nowhere)])
        self.built += 1
        return done

    def in_turns(self, kernels: Sequence[BuiltKernel], rounds: int) -> Future[list[list[Score]]]:
        done: Future[list[list[Score]]] = Future()
        done.set_result([[Score(seconds=(1.0,), device="local") for _ in kernels] for _ in range(rounds)])
        return done


def test_default_wins_a_contest_that_all_others_are_left_out_of(trial: EntryOf) -> None:
    trials = [trial(SPACE.index(DEFAULT), 5), *(trial(SPACE.index(knobs), 1) for knobs in SPACE if knobs != DEFAULT)]
    pipeline = Uneven()
    (verdict,) = hold(contests([task()], trials), cast(Pipeline, pipeline), lambda: None)
    assert pipeline.built > 1
    assert verdict.winner == verdict.default
    assert verdict.default[0].knobs == of_template(WORKLOAD, DEFAULT).knobs
    assert len(verdict.default[1].seconds) == ROUNDS
