"""Entries of real workloads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from tvm_mnv3.targets import load_core
from tvm_mnv3.tuning.candidate import template_of
from tvm_mnv3.tuning.entry import LogEntry
from tvm_mnv3.workload import Workload

NAME = "pointwise_h7w7_i24_o40_f32_bias"


@pytest.fixture
def entry_of() -> Callable[..., LogEntry]:
    """An entry for a workload (by default `NAME`) with the assignment of that index of its space."""

    def make(name: str = NAME, index: int = 0, core: str = "cortex-a76", **fields: Any) -> LogEntry:
        workload = Workload.parse(name)
        template = template_of(workload)
        given = {
            "workload": name,
            "core": core,
            "space": "template",
            "template": template.operator,
            "template_version": template.version,
            "knobs": dataclasses.asdict(template.knobs(workload, load_core(core))[index]),
            "device": "model:cortex-a76",
            "versions": {"tvm-mnv3": "0.1.0"},
            "date": "2026-11-25T00:00:00Z",
        }
        return LogEntry(**{**given, **fields})

    return make
