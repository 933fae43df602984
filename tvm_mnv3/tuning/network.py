"""What a run has made of the whole network so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tvm_mnv3.tuning.task import Task


@dataclass(frozen=True)
class NetworkScore:
    """The sum over all layers, of kernels alone and warm.

    Parameters
    ----------
    default, best
        With the templates' own knobs and with the best found: seconds or modelled cycles.
    known, workloads
        How many workloads have a default's score and so are in both sums, of how many.
    """

    default: float
    best: float
    known: int
    workloads: int


def network_score(tasks: Sequence[Task]) -> NetworkScore:
    """The sums over those workloads whose default has a score."""
    known = [task for task in tasks if task.default_score < float("inf")]
    return NetworkScore(
        default=sum(task.uses * task.default_score for task in known),
        best=sum(task.uses * task.best_score for task in known),
        known=len(known),
        workloads=len(tasks),
    )
