"""A `Candidate`: one way to make one workload's kernel, which a tuner tries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from tvm_mnv3.compat import Schedule, tirx, without_source_lookup
from tvm_mnv3.schedules.registry import template_for
from tvm_mnv3.schedules.template import Template
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload


@dataclass(frozen=True)
class Candidate:
    """A workload with knobs.

    Parameters
    ----------
    workload
        Its name.
    space
        ``template`` or ``generated``, which says how to read the knobs.
    knobs
        As a JSON object.
    """

    workload: str
    space: str
    knobs: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The same for the same kernel."""
        return json.dumps([self.workload, self.space, self.knobs], sort_keys=True)


def of_template(workload: Workload, knobs: Any) -> Candidate:
    """The candidate of the workload's template with those (typed) knobs."""
    return Candidate(workload.name, "template", {each.name: getattr(knobs, each.name) for each in fields(knobs)})


def template_of(workload: Workload) -> Template[Any]:
    """The template that makes the workload's kernels.

    Raises
    ------
    ValueError
        There is none.
    """
    template = template_for(workload)
    if template is None:
        raise ValueError(f"no template serves {workload.name}")
    return template


def template_schedule(workload: Workload, knobs: Any, core: Core) -> Schedule:
    """The schedule of the workload's kernel with those (typed) knobs."""
    template = template_of(workload)
    with without_source_lookup():
        return template.scheduled(workload, knobs, core)


def scheduled_function(candidate: Candidate, core: Core) -> tirx.PrimFunc:
    """The kernel that a candidate stands for; its buffers are the kernel's operands, outputs last."""
    workload = Workload.parse(candidate.workload)
    if candidate.space == "generated":
        from tvm_mnv3.tuning.generated_search import apply_trace, plain_module

        return apply_trace(Schedule(plain_module(workload)), candidate.knobs["trace"]).mod["main"]
    knobs = template_of(workload).knobs_type(**candidate.knobs)
    return template_schedule(workload, knobs, core).mod["main"]
