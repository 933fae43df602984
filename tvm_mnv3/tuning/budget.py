"""Who gets the next trials: every workload a floor, and then in proportion to its share of the network's time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tvm_mnv3.tuning.task import Task

#: The gain that counts as one, in parts of the score: less is noise.
GAIN = 0.01


@dataclass(frozen=True)
class Budget:
    """How trials are shared.

    Parameters
    ----------
    trials
        Of the whole run, earlier ones of the same log included.
    floor
        That each workload gets before any gets more, as far as `trials` go.
    round_size
        Trials that one workload is given at once.
    patience
        A workload is left alone after so many trials without a gain; 0: never.
    """

    trials: int
    floor: int
    round_size: int
    patience: int

    @classmethod
    def of(cls, trials: int, workloads: int, round_size: int, patience: int) -> Budget:
        """A quarter of the trials goes into the floors, one round each at most."""
        floor = max(1, min(round_size, trials // (4 * max(1, workloads))))
        return cls(trials, floor, round_size, patience)

    def next(self, tasks: Sequence[Task]) -> tuple[Task, int] | None:
        """The task that is to try more, and how much; None where none is, now or at all."""
        left = self.trials - sum(task.trials + task.in_flight for task in tasks)
        ready = [task for task in tasks if task.in_flight == 0 and not self.finished(task)]
        if left <= 0 or not ready:
            return None
        poor = [task for task in ready if task.trials < self.floor]
        if poor:
            task = max(poor, key=_share)
            return task, min(left, self.floor - task.trials)
        # The divisor method of apportionment: in the end trials are in proportion to shares.
        task = max(ready, key=lambda task: _share(task) / (task.trials + self.round_size))
        return task, min(left, self.round_size)

    def finished(self, task: Task) -> bool:
        """Whether nothing more is to be gained: the space is exhausted, or patience is."""
        return task.exhausted or (self.patience > 0 and task.since_best >= self.patience)


def _share(task: Task) -> float:
    """Of the network's time: uses times the best time so far; by multiply-adds while there is none."""
    if task.best_score < float("inf"):
        return task.uses * task.best_score
    return float(task.uses * max(1, task.workload.multiply_adds))
