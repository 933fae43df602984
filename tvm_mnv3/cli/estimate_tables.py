"""An estimate as tables."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from tvm_mnv3.cli.console import facts, listing
from tvm_mnv3.estimate import Estimate, Figures


def total_table(estimate: Estimate) -> Table:
    """The figures of the whole inference, each with what it is."""
    total = estimate.total
    rows = [
        ("instructions", f"{_millions(total.instructions)} (exact)"),
        ("vector multiply-adds", f"{_millions(total.vector_multiply_adds)} of these (exact)"),
        ("loads and stores", f"{_millions(total.loads)} and {_millions(total.stores)} of these (exact)"),
    ]
    for model in estimate.models:
        share = _share(estimate.floor[model.name], total.cycles[model.name])
        cycles = f"{_millions(total.cycles[model.name])}, {share} of it the multiply-adds' floor"
        rows.append((f"cycles, {model.name}", f"{cycles} (modelled: {model.description})"))
    for level, (cache, misses) in enumerate(zip(estimate.caches, total.misses, strict=True), 1):
        rows.append((f"L{level} misses", f"{_thousands(misses)} (simulated: {cache})"))
    return facts(rows)


def kernel_table(estimate: Estimate, top: int | None = None) -> Table:
    """A row per kernel, sorted by the cycles of the first model, and one for what is no kernel."""
    first = estimate.models[0].name
    models = [model.name for model in estimate.models]
    levels = [f"L{level} k" for level in range(1, len(estimate.caches) + 1)]
    columns = ("kernel", "uses", "instr M", "fmla M", *(f"{m} M" for m in models), "of floor", "per fmla", *levels)
    ordered = sorted(estimate.kernels, key=lambda kernel: -kernel.figures.cycles.get(first, 0.0))
    rows = [
        (kernel.workload or kernel.symbol, str(kernel.uses), *_cells(kernel.figures, kernel.floor, models))
        for kernel in ordered[:top]
    ]
    rows.append(("driver and library functions", "", *_cells(estimate.rest, {}, models)))
    return listing(columns, rows, numbers=columns[1:])


def legend(estimate: Estimate) -> str:
    """What the numbers are, in sentences."""
    first = estimate.models[0].name
    return (
        "Counted under an emulator: no figure is a latency. Cycles are modelled with perfect caches. `of floor` is "
        f"the share of {first}'s cycles that full vectors of the kernel's multiply-adds alone would take, `per fmla` "
        "its cycles per vector multiply-add that ran. Misses are simulated without a prefetcher, in thousands of lines "
        "of 64 bytes."
    )


def _cells(figures: Figures, floor: Mapping[str, float], models: list[str]) -> list[str]:
    first = models[0]
    fmla, cycles = figures.vector_multiply_adds, figures.cycles.get(first, 0.0)
    return [
        f"{figures.instructions / 1e6:.3f}",
        f"{fmla / 1e6:.3f}",
        *(f"{figures.cycles.get(model, 0.0) / 1e6:.3f}" for model in models),
        _share(floor.get(first, 0.0), cycles) if floor.get(first) else "-",
        f"{cycles / fmla:.2f}" if fmla else "-",
        *(f"{misses / 1e3:.1f}" for misses in figures.misses),
    ]


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.0%}" if whole else "-"


def _millions(count: float) -> str:
    return f"{count / 1e6:.2f} M"


def _thousands(count: int) -> str:
    return f"{count / 1e3:.0f} thousand"
