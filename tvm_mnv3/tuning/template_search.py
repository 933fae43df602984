"""The search in a template's space: MetaSchedule's ScheduleFn in its list form, one schedule per assignment.

A TVM schedule function searches only what varies inside it, so every assignment of the knobs is a concrete schedule of
its own (which also lets the packing of weights depend on knobs). Making one takes 30 ms, most of it to parse the
kernel's script; so a pool of them grows from round to round, near the best so far and at random, and TVM's XGBoost
model picks from it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from tvm_mnv3.compat import IRModule, Schedule, meta_schedule, without_source_lookup
from tvm_mnv3.targets import Core
from tvm_mnv3.tuning.candidate import Candidate, of_template, template_of, template_schedule
from tvm_mnv3.tuning.cost_model import CostModel
from tvm_mnv3.tuning.knob_space import KnobSpace
from tvm_mnv3.workload import Workload

#: Schedules that join the pool in a round, in rounds' sizes: half near the best, half at random.
_GROWTH = 3
#: The share of a round that is drawn at random, so that the model meets what it does not expect.
_AT_RANDOM = 0.2
#: Earlier trials that the model learns from when a run goes on: the best, and about as many others.
_EARLIER = 16


class TemplateSearch:
    """One workload's search; the template's default is its first proposal.

    Parameters
    ----------
    model
        Shared by all searches of a run.
    seed
        Of what is drawn at random.
    first
        Knobs to begin with in place of the default.
    """

    def __init__(self, workload: Workload, core: Core, model: CostModel, seed: int, first: Any = None) -> None:
        self._workload, self._core, self._model = workload, core, model
        template = template_of(workload)
        self._first = first or template.default(workload, core)
        assignments = list(dict.fromkeys([self._first, *template.knobs(workload, core)]))
        self._space = KnobSpace(assignments)
        self._of_key = {of_template(workload, knobs).key: knobs for knobs in assignments}
        self._random = random.Random(f"{seed} {workload.name}")
        # Every assignment is first unseen, then in the pool with its schedule, then proposed, then known.
        self._unseen = assignments
        self._random.shuffle(self._unseen)
        self._pool: dict[Any, Schedule] = {}
        self._proposed: dict[Any, Schedule] = {}
        self._known: dict[Any, float] = {}

    @cached_property
    def _problem(self) -> IRModule:
        """What is computed; made when the workload's turn comes, since a network has fifty."""
        with without_source_lookup():
            return IRModule({"main": template_of(self._workload).compute(self._workload, self._first)})

    def propose(self, count: int) -> list[Candidate]:
        """The first knobs; then what the model expects to be fastest, and some at random (see `Search`)."""
        if not self._known and self._first in self._unseen:
            self._add_to_pool([self._first])
        chosen = [self._first] if self._first in self._pool else []
        if count > len(chosen):
            self._grow(count)
            chosen = list(dict.fromkeys([*chosen, *self._preferred(count)]))[:count]
        for knobs in chosen:
            self._proposed[knobs] = self._pool.pop(knobs)
        return [of_template(self._workload, knobs) for knobs in chosen]

    def learn(self, candidates: Sequence[Candidate], scores: Sequence[float]) -> None:
        """See `Search`; what is no assignment of this space is passed over."""
        found = {
            self._of_key[candidate.key]: score
            for candidate, score in zip(candidates, scores, strict=True)
            if candidate.key in self._of_key
        }
        self._known.update(found)
        self._add_to_pool(self._worth_learning({k: score for k, score in found.items() if k in self._unseen}))
        self._unseen = [knobs for knobs in self._unseen if knobs not in found]
        schedules = {k: self._proposed.pop(k, None) or self._pool.pop(k, None) for k in found}
        new = {knobs: sch for knobs, sch in schedules.items() if sch is not None}
        if new:
            self._model.learn(self._problem, list(new.values()), [found[knobs] for knobs in new])

    def _worth_learning(self, earlier: Mapping[Any, float]) -> list[Any]:
        """Of what a log has from before, as much as is made in seconds: the best, and some of the others."""
        ranked = sorted(earlier, key=earlier.__getitem__)
        return [*ranked[:_EARLIER], *ranked[_EARLIER :: max(1, len(ranked) // _EARLIER)]]

    def _grow(self, count: int) -> None:
        """Make the schedules of some more assignments; no more than the round's while the model cannot choose."""
        wanted = _GROWTH * count if self._model.is_warm else count
        missing = min(len(self._unseen), max(0, wanted - len(self._pool)))
        if missing == 0:
            return
        best = min(self._known, key=self._known.__getitem__, default=self._first)
        near = self._space.nearest(best, self._unseen, missing // 2)
        at_random = [knobs for knobs in self._unseen if knobs not in near][: missing - len(near)]
        self._add_to_pool([*near, *at_random])

    def _add_to_pool(self, assignments: Sequence[Any]) -> None:
        if not assignments:
            return

        def schedules(_: Schedule) -> list[Schedule]:
            return [template_schedule(self._workload, knobs, self._core) for knobs in assignments]

        space = meta_schedule.space_generator.ScheduleFn(schedules, sch_rules=[], postprocs=[], mutator_probs={})
        self._pool.update(zip(assignments, space.generate_design_space(self._problem), strict=True))
        added = set(assignments)
        self._unseen = [knobs for knobs in self._unseen if knobs not in added]

    def _preferred(self, count: int) -> list[Any]:
        """Of the pool, most by the model and some at random."""
        waiting = list(self._pool)
        if not waiting:
            return []
        guesses = self._model.predict(self._problem, list(self._pool.values()))
        if guesses is None:
            return self._random.sample(waiting, min(len(waiting), count))
        ranked = [waiting[index] for index in guesses.argsort()[::-1]]
        by_model = ranked[: count - round(_AT_RANDOM * count)]
        others = ranked[len(by_model) :]
        return [*by_model, *self._random.sample(others, min(len(others), count - len(by_model)))]
