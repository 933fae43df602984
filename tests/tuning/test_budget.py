"""Every workload gets its floor, the expensive ones most of the rest, the finished ones nothing."""

from __future__ import annotations

from collections.abc import Sequence

from tvm_mnv3.tuning.budget import Budget
from tvm_mnv3.tuning.candidate import Candidate
from tvm_mnv3.tuning.task import Task
from tvm_mnv3.workload import Workload


class Endless:
    """A search that nobody asks."""

    def propose(self, count: int) -> list[Candidate]:
        raise AssertionError

    def learn(self, candidates: Sequence[Candidate], scores: Sequence[float]) -> None:
        raise AssertionError


def tasks(*scores: float) -> list[Task]:
    workload = Workload.parse("pool_h7w7_c576_f32")
    return [Task(workload, 1, Endless(), None, best_score=score) for score in scores]


def spend(budget: Budget, on: list[Task]) -> list[int]:
    while (given := budget.next(on)) is not None:
        task, count = given
        task.trials += count
    return [task.trials for task in on]


def test_trials_follow_the_time_and_all_are_spent() -> None:
    assert spend(Budget(1000, 10, 10, 0), tasks(7.0, 2.0, 1.0)) == [700, 200, 100]


def test_layers_that_use_a_kernel_count() -> None:
    both = tasks(1.0, 1.0)
    both[1].uses = 3
    assert spend(Budget(400, 10, 10, 0), both) == [100, 300]


def test_every_workload_gets_the_floor_first() -> None:
    trials = spend(Budget(1000, 16, 16, 0), tasks(1000.0, 1e-6, 1e-6))
    assert trials[1:] == [16, 16]
    assert sum(trials) == 1000


def test_few_trials_reach_as_many_workloads_as_they_can() -> None:
    assert spend(Budget.of(3, 5, 16, 0), tasks(5.0, 4.0, 3.0, 2.0, 1.0)) == [1, 1, 1, 0, 0]


def test_exhausted_or_hopeless_workload_gets_nothing_more() -> None:
    three = tasks(1.0, 1.0, 1.0)
    three[0].exhausted = True
    three[1].since_best = 64
    assert spend(Budget(90, 1, 10, 64), three) == [0, 0, 90]


def test_run_ends_when_nothing_is_left_to_gain() -> None:
    (only,) = tasks(1.0)
    only.since_best = 64
    assert Budget(1000, 1, 10, 64).next([only]) is None
    assert Budget(1000, 1, 10, 0).next([only]) is not None


def test_trials_in_flight_are_spent_already() -> None:
    one, other = tasks(1.0, 1.0)
    one.in_flight = 90
    assert Budget(100, 1, 16, 0).next([one, other]) == (other, 1)
    other.trials = 1
    assert Budget(100, 1, 16, 0).next([one, other]) == (other, 9)
