"""The page: what was found, brought into the order that it is read in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from tvm_mnv3.codegen.steps import StepRecord
from tvm_mnv3.report import plots
from tvm_mnv3.report.thumbnails import thumbnail
from tvm_mnv3.report.wording import accuracy_rows, count_rows, fact_rows, latency_rows, number, size_rows, verdict
from tvm_mnv3.source_layer import joined
from tvm_mnv3.validation.accuracy import PictureAnswer
from tvm_mnv3.validation.result import Validation

#: How many pictures are shown.
_PICTURES = 12


@dataclass(frozen=True)
class ShownPicture:
    """A picture of the page: its copy, its name, what was right, and what was answered."""

    source: str | None
    name: str
    label: str | None
    ours: str
    theirs: str | None
    error: str | None
    agrees: bool


def report_page(
    found: Validation, images: Path, steps: Sequence[StepRecord] = (), labels: Sequence[str] | None = None
) -> str:
    """The page as HTML, with its style, its script, plots and pictures inside.

    Parameters
    ----------
    images
        The folder that was validated on, for small copies of the pictures that differ most.
    steps
        Of the bundle, for its memory plan.
    labels
        Of the bundle's classes.
    """
    folder = files("tvm_mnv3.report")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["percent"] = lambda share: f"{100 * share:.1f} %"
    template = environment.from_string(folder.joinpath("page.html.j2").read_text(encoding="utf-8"))
    return template.render(
        found=found,
        title=f"{found.model['name']}, {found.model['precision']}, on {found.device}",
        verdict=verdict(found),
        style=folder.joinpath("page.css").read_text(encoding="utf-8"),
        script=folder.joinpath("page.js").read_text(encoding="utf-8"),
        accuracy=accuracy_rows(found),
        latency=latency_rows(found.latency),
        counts=count_rows(found.counts),
        sizes=size_rows(found.model),
        facts=fact_rows(found),
        pictures=[_shown(answer, images, labels) for answer in found.disagreements(_PICTURES)],
        plots=_plots(found, steps),
        kernels=_kernel_rows(found, steps),
        colours=plots.COLOURS,
        layers=[(layer, joined(layer.layers)) for layer in found.layers.steps] if found.layers is not None else [],
    )


def _plots(found: Validation, steps: Sequence[StepRecord]) -> Mapping[str, str]:
    errors = [answer.logit_error for answer in found.pictures if answer.logit_error is not None]
    return {
        "latency": plots.latency_plot(found.latency) if found.latency is not None else "",
        "kernels": plots.kernel_plot(found.profile) if found.profile is not None else "",
        "memory": plots.memory_plot(steps, found.model["sizes"]["context"]) if steps else "",
        "errors": plots.error_plot(errors) if errors else "",
    }


def _kernel_rows(found: Validation, steps: Sequence[StepRecord]) -> list[dict[str, Any]]:
    """One row per step of a profile; of counts one per kernel."""
    if found.profile is not None:
        total = found.profile.sum_ms * 1e3
        return [
            {
                "step": step.step, "kernel": step.kernel, "kind": plots.kind_of(step.workload),
                "layers": joined(step.layers), "cost": step.microseconds, "share": step.microseconds / total,
                "multiply_adds": step.multiply_adds, "bytes": step.bytes, "of_bound": step.of_bound,
                "origin": step.origin, "knobs": ", ".join(f"{k}={v}" for k, v in step.knobs.items()),
            }
            for step in found.profile.steps
        ]  # fmt: skip
    if found.counts is None:
        return []
    total = found.counts.total.instructions
    layers: dict[str | None, list[str]] = {}
    for step in steps:
        layers.setdefault(step.kernel, []).append(joined(step.layers))
    return [
        {
            "step": number, "kernel": kernel.symbol, "kind": plots.kind_of(kernel.workload),
            "layers": ", ".join(layers.get(kernel.symbol, ())),
            "cost": kernel.figures.instructions / 1e6, "share": kernel.figures.instructions / total,
            "multiply_adds": kernel.multiply_adds, "bytes": None, "of_bound": None, "origin": "", "knobs": "",
        }
        for number, kernel in enumerate(found.counts.kernels)
    ]  # fmt: skip


def _shown(answer: PictureAnswer, images: Path, labels: Sequence[str] | None) -> ShownPicture:
    def called(best: tuple[int, float]) -> str:
        index, probability = best
        return f"{labels[index] if labels else f'class {index}'} {probability:.0%}"

    return ShownPicture(
        source=thumbnail(images / answer.name),
        name=answer.name,
        label=None if answer.label is None else labels[answer.label] if labels else f"class {answer.label}",
        ours=called(answer.best[0]),
        theirs=called(answer.reference_best[0]) if answer.reference_best else None,
        error=None if answer.logit_error is None else f"{number(answer.logit_error)} % of range",
        agrees=answer.agrees,
    )
