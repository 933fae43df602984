"""Tuning tasks of which only the default and the log matter."""

from __future__ import annotations

from collections.abc import Sequence

from tvm_mnv3.targets import Core
from tvm_mnv3.tuning.candidate import Candidate, of_template, template_of
from tvm_mnv3.tuning.task import Task
from tvm_mnv3.workload import Workload


class _NoSearch:
    """Nothing is proposed here."""

    def propose(self, count: int) -> list[Candidate]:
        raise AssertionError

    def learn(self, candidates: Sequence[Candidate], scores: Sequence[float]) -> None:
        raise AssertionError


def task_of(workload: Workload, core: Core, uses: int = 1) -> Task:
    """The workload's task, with the default of its template."""
    return Task(workload, uses, _NoSearch(), of_template(workload, template_of(workload).default(workload, core)))
