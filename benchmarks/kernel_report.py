"""The times of a network's kernels, as data, as JSON and as tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.terminal import plain_table
from tvm_mnv3.codegen.files import replacing
from tvm_mnv3.measuring.roofline import Roofline
from tvm_mnv3.workload import Workload


@dataclass(frozen=True)
class KernelTime:
    """One kernel's time alone.

    Parameters
    ----------
    uses
        How many layers run it.
    knobs, origin
        As of `tvm_mnv3.codegen.bundle.KernelRecord`.
    microseconds, fastest_microseconds
        Of one run: the median and the best of the bursts' means.
    multiply_adds, operand_bytes
        Of one run.
    rows
        So many rows of its output are computed again and again, as in the network's bands of rows; None: all.
    of_peak
        The rate of its multiply-adds, as a part of what the core did in registers right before and after: the median of
        the bursts' parts. The core's clock is not the same at all times.
    """

    workload: str
    uses: int
    knobs: Mapping[str, Any]
    origin: str
    microseconds: float
    fastest_microseconds: float
    multiply_adds: int
    operand_bytes: int
    rows: int | None
    of_peak: float

    @property
    def operator(self) -> str:
        """Such as ``pointwise``."""
        return Workload.parse(self.workload).operator

    @property
    def all_microseconds(self) -> float:
        """Of all layers that use it."""
        return self.uses * self.microseconds


@dataclass(frozen=True)
class KernelReport:
    """All kernels of a network.

    Parameters
    ----------
    whole_seconds
        Median of the whole network in the same run.
    """

    machine: Mapping[str, Any]
    model: str
    kernels: Sequence[KernelTime]
    whole_seconds: float
    roofline: Roofline

    @property
    def sum_microseconds(self) -> float:
        """Of all layers."""
        return sum(kernel.all_microseconds for kernel in self.kernels)

    def gmac_per_second(self, kernels: Sequence[KernelTime]) -> float:
        """Of these kernels together, weighted by their time."""
        work = sum(kernel.uses * kernel.multiply_adds for kernel in kernels)
        return work / sum(kernel.all_microseconds for kernel in kernels) / 1e3

    def of_peak(self, kernels: Sequence[KernelTime]) -> float:
        """Of these kernels together, weighted by their time."""
        total = sum(kernel.all_microseconds for kernel in kernels)
        return sum(kernel.all_microseconds * kernel.of_peak for kernel in kernels) / total

    def by_operator(self) -> dict[str, list[KernelTime]]:
        """The kernels of each operator, the operator that takes most time first."""
        groups: dict[str, list[KernelTime]] = {}
        for kernel in self.kernels:
            groups.setdefault(kernel.operator, []).append(kernel)
        return dict(sorted(groups.items(), key=lambda item: -sum(k.all_microseconds for k in item[1])))

    def write_json(self, path: Path) -> None:
        """Write all of it; the file appears whole or not at all."""
        with replacing(path) as unfinished:
            unfinished.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def print_report(report: KernelReport, console: Console) -> None:
    """A line per kernel, the one that takes most time first; a line per operator; and the sums."""
    console.print(
        f"\n{report.machine['cpu']}, {report.model}, float32, 1 thread; "
        f"{report.roofline.gmac_per_second:.1f} GMAC/s at most",
        soft_wrap=True,
    )
    kernels = plain_table(
        "Kernels, warm", ["kernel"], ["rows", "uses", "us", "best us", "GMAC/s", "of peak", "GB/s", "of all"]
    )
    for kernel in sorted(report.kernels, key=lambda kernel: -kernel.all_microseconds):
        times = (f"{kernel.microseconds:.1f}", f"{kernel.fastest_microseconds:.1f}")
        bandwidth = kernel.operand_bytes / kernel.microseconds / 1e3
        rates = _rates(report, [kernel])
        share = kernel.all_microseconds / report.sum_microseconds
        rows = "all" if kernel.rows is None else str(kernel.rows)
        kernels.add_row(kernel.workload, rows, str(kernel.uses), *times, *rates, f"{bandwidth:.0f}", f"{share:.1%}")
    console.print(kernels)
    operators = plain_table("\nOperators", ["operator"], ["runs", "us", "GMAC/s", "of peak", "of all"])
    for operator, group in report.by_operator().items():
        total = sum(kernel.all_microseconds for kernel in group)
        rates = _rates(report, group)
        share = total / report.sum_microseconds
        operators.add_row(operator, str(sum(k.uses for k in group)), f"{total:.0f}", *rates, f"{share:.1%}")
    console.print(operators)
    console.print(
        f"\nThese kernels alone: {report.sum_microseconds / 1e3:.3f} ms, "
        f"{report.of_peak(report.kernels):.0%} of the peak. "
        f"The whole network in the same run: {report.whole_seconds * 1e3:.3f} ms."
    )


def _rates(report: KernelReport, kernels: Sequence[KernelTime]) -> tuple[str, str]:
    """Nothing where there is nothing to multiply."""
    rate = report.gmac_per_second(kernels)
    return (f"{rate:.1f}", f"{report.of_peak(kernels):.0%}") if rate else ("", "")
