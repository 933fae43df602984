"""Which entries of a log may be used for a core, and why the others may not."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tvm_mnv3.schedules.registry import template_for
from tvm_mnv3.targets import Core
from tvm_mnv3.tuning.entry import LogEntry
from tvm_mnv3.tuning.plain import PLAIN_VERSION
from tvm_mnv3.workload import Workload


def log_core(core: Core) -> str:
    """What a log calls a core: its name, and for this machine also LLVM's name of it, for ``host`` is many machines."""
    return core.name if core.name != "host" else f"host-{core.llvm_cpu}"


def problem_with(entry: LogEntry, core: Core) -> str | None:
    """Why an entry's knobs cannot be used for a core, as a sentence; None where they can."""
    if entry.core != log_core(core):
        return f"The entry for {entry.workload} was tuned for {entry.core}, not for {log_core(core)}."
    try:
        workload = Workload.parse(entry.workload)
    except ValueError:
        return f"The entry for {entry.workload!r} names no workload that this tvm-mnv3 knows."
    if entry.space == "generated":
        same = entry.template_version == PLAIN_VERSION
        return None if same else f"The entry for {entry.workload} is a trace of another version: tune it again."
    template = template_for(workload)
    if template is None or template.operator != entry.template:
        return f"The entry for {entry.workload} is of the template {entry.template!r}, which does not make this kernel."
    if template.version != entry.template_version:
        return (
            f"The entry for {entry.workload} is of version {entry.template_version} of the template "
            f"{template.operator}, and this is version {template.version}: tune it again."
        )
    try:
        knobs = template.knobs_type(**entry.knobs)
        inside = knobs in _space(workload, core)
    except TypeError:
        inside = False
    if not inside:
        return f"The entry for {entry.workload} has knobs that its template does not have for {log_core(core)}."
    return None


@lru_cache(maxsize=512)
def _space(workload: Workload, core: Core) -> frozenset[Any]:
    template = template_for(workload)
    return frozenset(template.knobs(workload, core)) if template is not None else frozenset()
