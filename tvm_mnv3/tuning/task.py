"""A `Task`: one workload of a network, and how far its tuning has come."""

from __future__ import annotations

from dataclasses import dataclass, field

from tvm_mnv3.tuning.candidate import Candidate
from tvm_mnv3.tuning.search import Search
from tvm_mnv3.workload import Workload


@dataclass
class Task:
    """The tuning of one workload.

    Parameters
    ----------
    uses
        How many layers of the network run it.
    default
        The candidate that is used without tuning; None in a generated space.
    trials
        That have a score or a failure.
    in_flight
        Candidates that are being built or measured.
    default_score, best_score
        Seconds or cycles; infinite while there is none.
    since_best
        Trials since the last that made it faster by `tvm_mnv3.tuning.budget.GAIN`.
    """

    workload: Workload
    uses: int
    search: Search
    default: Candidate | None
    trials: int = 0
    in_flight: int = 0
    default_score: float = float("inf")
    best_score: float = float("inf")
    best: Candidate | None = None
    since_best: int = 0
    exhausted: bool = False
    learned: list[tuple[Candidate, float]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The workload's."""
        return self.workload.name
