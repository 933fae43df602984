"""How many rows at a time the kernels get that a library runs by bands of rows."""

from __future__ import annotations

from tvm_mnv3.codegen.steps import StepTable
from tvm_mnv3.workload import Workload


def rows_at_a_time(table: StepTable) -> dict[str, int]:
    """Rows of its own output, for every kernel that the library runs by bands and never as a whole."""
    rows: dict[str, int] = {}
    for band in table.bands:
        *before, window, project = (table.steps[number].kernel or "" for number in range(band.first, band.last + 1))
        w = Workload.parse(window)
        rows |= dict.fromkeys(before, min((band.rows - 1) * w.stride + w.kernel, w.height))
        rows |= dict.fromkeys((window, project), band.rows)
    inside = {number for band in table.bands for number in range(band.first, band.last + 1)}
    whole = {step.kernel for number, step in enumerate(table.steps) if number not in inside}
    return {kernel: count for kernel, count in rows.items() if kernel not in whole}
