"""A tuning log's entries as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.table import Table

from tvm_mnv3.cli.console import listing
from tvm_mnv3.tuning.entry import LogEntry, Trust, best_of


def entries_table(entries: Sequence[LogEntry], *, every: bool) -> Table:
    """A row per workload with its best entry, or per trial."""
    if every:
        shown = list(entries)
    else:
        groups: dict[tuple[str, str], list[LogEntry]] = {}
        for entry in entries:
            groups.setdefault((entry.workload, entry.space), []).append(entry)
        shown = [best_of(group) or group[-1] for group in groups.values()]
    columns = ("workload", "score", "spread", "device", "date", "knobs")
    return listing(columns, [_row(entry) for entry in shown], numbers=("score", "spread"))


def _row(entry: LogEntry) -> tuple[str, ...]:
    knobs = ", ".join(f"{name} {json.dumps(value)}" for name, value in entry.knobs.items())
    if entry.space == "generated":
        knobs = "a trace of TVM's"
    spread = f"{entry.spread:.1%}" if entry.seconds else "-"
    return (entry.workload, score_text(entry), spread, entry.device, entry.date[:10], knobs)


def score_text(entry: LogEntry) -> str:
    """What was found, under its own name."""
    if entry.trust == Trust.FAILED:
        return f"failed: {entry.failure}"
    if not entry.seconds:
        return f"{entry.score:,.0f} cycles, modelled ({entry.model})"
    return f"{entry.score * 1e6:.1f} us{', under an emulator' if entry.emulated else ''}"
