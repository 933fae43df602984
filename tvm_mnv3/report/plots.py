"""The page's plots, as SVG text: drawn by matplotlib, in the page's own colours and font."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tvm_mnv3.codegen.steps import StepRecord
from tvm_mnv3.measuring.latency import Latency
from tvm_mnv3.profiling.result import Profile, StepTime

INK, MUTED, GRID = "#1f2933", "#66727f", "#e3e8ee"
#: One colour for each kind of kernel, told apart in grey too.
COLOURS = {
    "conv": "#3d5a80",
    "pointwise": "#2a9d8f",
    "depthwise": "#e9a23b",
    "se": "#9b5de5",
    "dense": "#c8553d",
    "pool": "#7f8c99",
    "fallback": "#b0b8c1",
}
_WIDTH = 9.4
_STYLE = {
    "font.family": ["sans-serif"],
    "font.size": 9.5,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": INK,
    # Text stays text: smaller, searchable, in the reader's font; the ids do not depend on the moment.
    "svg.fonttype": "none",
    "svg.hashsalt": "tvm-mnv3",
}


def latency_plot(latency: Latency) -> str:
    """How often a run took how long; the few slowest runs are beyond the right edge."""
    times = np.asarray(latency.milliseconds)
    right = float(np.percentile(times, 99.5))
    shown = times[times <= right]

    def draw(axes: Axes) -> None:
        axes.hist(shown, bins=min(80, max(10, len(shown) // 15)), color=COLOURS["pointwise"])
        for name, percent in (("median", 50), ("p90", 90), ("p99", 99)):
            value = latency.percentile(percent)
            axes.axvline(value, color=INK, linewidth=1, linestyle="--")
            axes.annotate(
                f" {name} {value:.2f}",
                (value, 1),
                xycoords=("data", "axes fraction"),
                va="bottom",
                rotation=30,
                fontsize=9,
            )
        axes.set_xlabel("milliseconds for one picture")
        axes.set_ylabel("runs")

    return _svg(draw, 2.7)


def kernel_plot(profile: Profile, most: int = 25) -> str:
    """The slowest steps as bars; the dark part is the time that the roofline allows."""
    steps = sorted(profile.steps, key=lambda step: -step.microseconds)[:most][::-1]

    def draw(axes: Axes) -> None:
        places = range(len(steps))
        axes.barh(places, [s.microseconds for s in steps], color=[COLOURS[kind_of(s.workload)] for s in steps])
        bounds = [min(step.bound, step.microseconds) for step in steps]
        axes.barh(places, bounds, color=INK, alpha=0.28, height=0.45)
        axes.set_yticks(places, [_step_name(step) for step in steps])
        for place, step in zip(places, steps, strict=True):
            share = step.microseconds / profile.sum_ms / 10
            axes.annotate(f" {share:.1f} %", (step.microseconds, place), va="center", fontsize=8.5, color=MUTED)
        axes.set_xlabel("microseconds (dark: what multiply-adds or bytes allow at most)")
        axes.margins(y=0.01, x=0.08)

    return _svg(draw, 0.9 + 0.235 * len(steps))


def memory_plot(steps: Sequence[StepRecord], context_bytes: int) -> str:
    """Where each buffer lies when kernels run one by one, from the step that writes it to the last that reads it."""
    spans: dict[tuple[int, int], tuple[int, int, int]] = {}
    for number, step in enumerate(steps):
        for operand in step.operands:
            if operand.space == "arena":
                # Scratch memory has no buffer, and lives for one step.
                key = (operand.index, number if operand.index < 0 else 0)
                first = spans.get(key, (number, number, 0))[0]
                spans[key] = (first, number, 0)
    sizes = {
        (o.index, n if o.index < 0 else 0): (o.offset, o.bytes)
        for n, step in enumerate(steps)
        for o in step.operands
        if o.space == "arena"
    }

    def draw(axes: Axes) -> None:
        for key, (first, last, _) in spans.items():
            offset, size = sizes[key]
            colour = COLOURS[kind_of(steps[first].kernel)]
            axes.bar(
                first, size / 1e6, width=last - first + 1, bottom=offset / 1e6, align="edge",
                color=colour, edgecolor="white", linewidth=0.4, alpha=0.85,
            )  # fmt: skip
        axes.axhline(context_bytes / 1e6, color=INK, linewidth=1, linestyle="--")
        axes.set_xlim(0, len(steps))
        axes.set_ylim(0, max(context_bytes, *(offset + size for offset, size in sizes.values())) / 1e6 * 1.06)
        axes.set_xlabel("step of a run")
        axes.set_ylabel("MB from the memory's start")

    return _svg(draw, 2.9)


def error_plot(errors: Sequence[float]) -> str:
    """How often a picture's logits differed by how much from the reference's."""
    values = np.asarray([error for error in errors if np.isfinite(error) and error > 0])

    def draw(axes: Axes) -> None:
        low, high = np.log10(values.min()), np.log10(values.max())
        pad = 0.05 + 0.05 * (high - low)
        axes.hist(values, bins=list(np.logspace(low - pad, high + pad, 50)), color=COLOURS["conv"])
        axes.set_xscale("log")
        axes.set_xlabel("largest difference of a picture's logits, % of their range")
        axes.set_ylabel("pictures")

    return _svg(draw, 2.2) if values.size else ""


def kind_of(kernel: str | None) -> str:
    """The operator that a kernel's name begins with."""
    kind = (kernel or "fallback").split("_")[0]
    return kind if kind in COLOURS else "fallback"


def _step_name(step: StepTime) -> str:
    name = step.kernel if len(step.kernel) <= 56 else f"{step.kernel[:55]}…"
    return f"{step.step}  {name}"


def _svg(draw: Callable[[Axes], None], height: float) -> str:
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_axisbelow(True)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
        draw(axes)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None}, transparent=True)
    svg = text.getvalue()
    # What stands before the element belongs to a file of its own.
    return svg[svg.index("<svg") :]
