"""Which workloads a log has better knobs for than the defaults, by its contests."""

from __future__ import annotations

from collections.abc import Sequence

from tvm_mnv3.tuning.entry import LogEntry, Trust, best_of
from tvm_mnv3.tuning.task import Task


def winners(tasks: Sequence[Task], entries: Sequence[LogEntry]) -> list[LogEntry]:
    """The entries that won the last contest against their workload's default; first what promises the network most.

    Parameters
    ----------
    entries
        All of a log that belong to the run, in its order.
    """
    promises: list[tuple[float, LogEntry]] = []
    for task in tasks:
        best = best_of([entry for entry in entries if entry.workload == task.name])
        default = default_of(task, entries)
        if best is None or default is None or best.trust != Trust.CONFIRMED or best.knobs == default.knobs:
            continue
        promises.append((task.uses * (default.score - best.score), best))
    return [entry for _, entry in sorted(promises, key=lambda promise: promise[0], reverse=True)]


def default_of(task: Task, entries: Sequence[LogEntry]) -> LogEntry | None:
    """The default's entry in the workload's last contest; None before there was one."""
    if task.default is None:
        return None
    for entry in reversed(entries):
        if entry.rounds and entry.workload == task.name and entry.knobs == task.default.knobs:
            return entry
    return None
