"""`Search`: what proposes a workload's candidates, whatever the space is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tvm_mnv3.tuning.candidate import Candidate


class Search(Protocol):
    """One workload's search."""

    def propose(self, count: int) -> list[Candidate]:
        """So many new candidates, or fewer where the space ends; none where it is exhausted."""

    def learn(self, candidates: Sequence[Candidate], scores: Sequence[float]) -> None:
        """Take in the scores of candidates, lower is better, infinite for a failure.

        They need not be proposals of this search: what a log has from before counts too.
        """
