"""The registry of templates: it feeds the build, the tuner, the tests and the benchmarks alike."""

from __future__ import annotations

from typing import Any

from tvm_mnv3.workload import Workload

from . import conv, dense, depthwise, pointwise, pool, squeeze_excite
from .template import Template

TEMPLATES: tuple[Template[Any], ...] = (
    conv.TEMPLATE,
    pointwise.TEMPLATE,
    depthwise.TEMPLATE,
    squeeze_excite.TEMPLATE,
    dense.TEMPLATE,
    pool.TEMPLATE,
)


def template_for(workload: Workload) -> Template[Any] | None:
    """The template that serves the workload, or None: then the fallback makes its kernel."""
    return next((t for t in TEMPLATES if t.operator == workload.operator and t.serves(workload)), None)
