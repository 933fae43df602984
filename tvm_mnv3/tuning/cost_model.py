"""TVM's XGBoost cost model: guesses from a schedule's features which candidates are worth a measurement.

One model learns from all workloads of a run, so that what one kernel taught helps with the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tvm_mnv3.compat import IRModule, Schedule, Target, import_cpu_intrinsics, meta_schedule
from tvm_mnv3.schedules.template import Array

#: Trials before the model guesses at all; TVM's own default of 100 is more than most workloads get.
_WARM_UP = 16
#: TVM's own stand-in for the time of a candidate that failed, in seconds.
FAILED_SECONDS = 1e10


class CostModel:
    """The model of one run for one core.

    Attributes
    ----------
    model
        TVM's own object.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._learned = 0
        self.model = meta_schedule.cost_model.XGBModel(num_warmup_samples=_WARM_UP, num_tuning_cores=1)

    @property
    def is_warm(self) -> bool:
        """There is enough to learn from: TVM's model would answer with random numbers before, that no seed decides."""
        return self._learned >= _WARM_UP

    def predict(self, problem: IRModule, schedules: Sequence[Schedule]) -> Array | None:
        """Of each schedule a number: the higher, the faster it should be. None before it is warm.

        Parameters
        ----------
        problem
            The same module for all schedules of one workload.
        """
        if not self.is_warm:
            return None
        return np.asarray(self.model.predict(self._context(problem), [measure_candidate(sch) for sch in schedules]))

    def learn(self, problem: IRModule, schedules: Sequence[Schedule], scores: Sequence[float]) -> None:
        """Take in the scores of schedules of one workload: seconds or cycles, infinite for a failure."""
        results = [
            meta_schedule.runner.RunnerResult([score if np.isfinite(score) else FAILED_SECONDS], None)
            for score in scores
        ]
        self._learned += len(schedules)
        self.model.update(self._context(problem), [measure_candidate(sch) for sch in schedules], results)

    def _context(self, problem: IRModule) -> meta_schedule.TuneContext:
        return tune_context(mod=problem, target=self._target)


def tune_context(**fields: Any) -> meta_schedule.TuneContext:
    """MetaSchedule's context of one workload. The first takes a second, so it is made late."""
    import_cpu_intrinsics()
    return meta_schedule.TuneContext(num_threads=1, **fields)


def measure_candidate(sch: Schedule) -> meta_schedule.MeasureCandidate:
    """A schedule as MetaSchedule hands it around."""
    return meta_schedule.MeasureCandidate(sch, meta_schedule.arg_info.ArgInfo.from_prim_func(sch.mod["main"]))
