"""The search in TVM's generated space: MetaSchedule's PostOrderApply and evolutionary search (what Ansor did)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tvm_mnv3.compat import IRModule, Schedule, Target, meta_schedule, tvm
from tvm_mnv3.tuning.candidate import Candidate
from tvm_mnv3.tuning.cost_model import FAILED_SECONDS, CostModel, measure_candidate, tune_context
from tvm_mnv3.tuning.plain import plain_function
from tvm_mnv3.workload import Workload

#: Proposals that one evolution makes.
_GENERATION = 16
#: Evolutions without anything new after which the space counts as exhausted.
_ATTEMPTS = 4


class GeneratedSearch:
    """One workload's search; its candidates' knobs are ``{"trace": ...}``, see `apply_trace`.

    Parameters
    ----------
    model
        Shared by all searches of a run.
    seed
        Of the evolution.
    """

    def __init__(self, workload: Workload, target: Target, model: CostModel, seed: int) -> None:
        self._name, self._target = workload.name, target
        module = plain_module(workload)
        self._database = meta_schedule.database.MemoryDatabase()
        self._record_workload = self._database.commit_workload(module)
        self._problem, self._model = module, model
        self._context = tune_context(
            mod=module, target=target, space_generator=_space(), search_strategy=_evolution(), task_name=workload.name,
            rand_state=seed + 1,
        )  # fmt: skip
        self._started = False
        self._waiting: list[tuple[Candidate, Schedule]] = []
        self._proposed: dict[str, Schedule] = {}
        self._seen: set[str] = set()

    def propose(self, count: int) -> list[Candidate]:
        """See `Search`."""
        for _ in range(_ATTEMPTS):
            if not self._waiting:
                self._evolve()
        chosen, self._waiting = self._waiting[:count], self._waiting[count:]
        self._proposed.update({candidate.key: sch for candidate, sch in chosen})
        return [candidate for candidate, _ in chosen]

    def learn(self, candidates: Sequence[Candidate], scores: Sequence[float]) -> None:
        """See `Search`."""
        schedules = [
            self._proposed.pop(c.key, None) or apply_trace(Schedule(self._problem), c.knobs["trace"])
            for c in candidates
        ]
        self._seen.update(candidate.key for candidate in candidates)
        if not schedules:
            return
        self._model.learn(self._problem, schedules, scores)
        for sch, score in zip(schedules, scores, strict=True):
            seconds = [min(score, FAILED_SECONDS)]
            record = meta_schedule.database.TuningRecord(
                sch.trace, self._record_workload, seconds, self._target, measure_candidate(sch).args_info
            )
            self._database.commit_tuning_record(record)

    def _evolve(self) -> None:
        if not self._started:
            self._started = True
            self._context.pre_tuning(
                max_trials=1_000_000, num_trials_per_iter=_GENERATION, database=self._database,
                cost_model=self._model.model,
            )  # fmt: skip
        found = self._context.generate_measure_candidates()
        if not found:
            return
        # It counts its proposals by the answers; what they were it reads in the database.
        answers = [meta_schedule.runner.RunnerResult([FAILED_SECONDS], None) for _ in found]
        self._context.search_strategy.notify_runner_results(found, answers)
        pairs = [
            (Candidate(self._name, "generated", {"trace": _plain_json(one.sch.trace.as_json())}), one.sch)
            for one in found
        ]
        # TVM remembers what it proposed, but not what a log has from before.
        self._waiting = [(candidate, sch) for candidate, sch in pairs if candidate.key not in self._seen]


def plain_module(workload: Workload) -> IRModule:
    """What the traces of a workload's candidates are applied to."""
    return IRModule({"main": plain_function(workload)})


def apply_trace(sch: Schedule, trace: Any) -> Schedule:
    """The schedule with a trace of a log applied to it."""
    tvm.s_tir.schedule.Trace.apply_json_to_schedule(trace, sch)
    return sch


def _space() -> Any:
    """TVM's rules for CPUs, without threads: how work is cut into tasks is no concern of one core's time."""
    rule, after, change = meta_schedule.schedule_rule, meta_schedule.postproc, meta_schedule.mutator
    rules = [
        rule.InlineConstantScalars(),
        rule.AutoInline(
            into_producer=False, into_consumer=True, inline_const_tensor=True, disallow_if_then_else=True,
            require_injective=True, require_ordered=True, disallow_op=["tirx.exp"],
        ),
        rule.MultiLevelTiling(
            structure="SSRSRS", max_innermost_factor=64,
            reuse_write=rule.ReuseType(req="may", levels=[1, 2], scope="global"),
        ),
        rule.ParallelizeVectorizeUnroll(
            max_jobs_per_core=-1, max_vectorize_extent=64, unroll_max_steps=[0, 16, 64, 512], unroll_explicit=True
        ),
        rule.RandomComputeLocation(),
    ]  # fmt: skip
    mutators = {change.MutateTileSize(): 0.9, change.MutateComputeLocation(): 0.05, change.MutateUnroll(): 0.05}
    return meta_schedule.space_generator.PostOrderApply(
        sch_rules=rules,
        postprocs=[after.DisallowDynamicLoop(), after.RewriteParallelVectorizeUnroll(), after.RewriteReductionBlock()],
        mutator_probs=mutators,
    )


def _evolution() -> Any:
    """A second for a generation; TVM's own population of 512 takes seventeen."""
    return meta_schedule.search_strategy.EvolutionarySearch(
        population_size=32, init_measured_ratio=0.2, init_min_unmeasured=8, genetic_num_iters=2, eps_greedy=0.2
    )


def _plain_json(value: Any) -> Any:
    """TVM's containers as Python's."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value if not isinstance(value, str) else str(value)
    if hasattr(value, "items"):
        return {str(key): _plain_json(item) for key, item in value.items()}
    if hasattr(value, "__len__"):
        return [_plain_json(item) for item in value]
    return value.value  # of an IntImm or a FloatImm
