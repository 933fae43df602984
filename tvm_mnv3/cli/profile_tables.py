"""What ``profile`` found, as tables."""

from __future__ import annotations

from rich.table import Table

from tvm_mnv3.cli.console import facts, in_bytes, in_millions, listing
from tvm_mnv3.profiling.result import Profile, StepTime
from tvm_mnv3.report.wording import state_text
from tvm_mnv3.source_layer import joined


def summary_table(found: Profile) -> Table:
    """The whole, the sum of the kernels, and what the machine could do at most."""
    roofline = found.roofline
    cache = f", {roofline.cache_gb_per_second:.1f} GB/s from the caches" if roofline.cache_gb_per_second else ""
    multiply_adds = sum(step.multiply_adds for step in found.steps)
    return facts(
        [
            ("unprofiled", f"{found.whole_ms:.3f} ms, the median of {found.runs} runs, {found.threads} thread(s)"),
            ("sum of kernels", f"{found.sum_ms:.3f} ms, {found.covered:.1%} of it"),
            ("profiling costs", f"{found.overhead:+.1%} (median {found.profiled_ms:.3f} ms)"),
            ("multiply-adds", f"{in_millions(multiply_adds)}, {multiply_adds / found.whole_ms / 1e6:.1f} GMAC/s"),
            ("roofline", f"{roofline.gmac_per_second:.1f} GMAC/s{cache}, measured"),
            ("machine", f"{state_text(found.before)} before; {state_text(found.after)} after"),
        ]
    )


def step_table(found: Profile, top: int | None) -> Table:
    """The steps, the slowest first."""
    steps = sorted(found.steps, key=lambda step: -step.microseconds)[:top]
    columns = ("kernel", "us", "of all", "MACs", "bytes", "of roof", "knobs", "layer")
    return listing(columns, [_row(step, found) for step in steps], numbers=columns[1:6])


def _row(step: StepTime, found: Profile) -> tuple[str, ...]:
    return (
        step.kernel,
        f"{step.microseconds:.1f}",
        f"{step.microseconds / found.sum_ms / 10:.1f}%",
        in_millions(step.multiply_adds),
        in_bytes(step.bytes),
        f"{step.of_bound:.0%}",
        step.origin,
        joined(step.layers),
    )
