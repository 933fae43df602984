"""Numbers and facts of a validation in words: what the page and the terminal say alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tvm_mnv3.estimate.result import Estimate
from tvm_mnv3.measuring.hygiene import MachineState
from tvm_mnv3.measuring.latency import Latency
from tvm_mnv3.units import in_bytes, in_millions
from tvm_mnv3.validation.intervals import Interval
from tvm_mnv3.validation.result import Validation


def verdict(found: Validation) -> tuple[str, str]:
    """One word that is ``passed``, ``failed``, ``partial`` or ``measured``, and a sentence."""
    if found.partial is not None:
        return "partial", f"The measuring ended early. {found.partial}"
    if not found.gates:
        return "measured", "No gates were set."
    failed = [gate.name for gate in found.gates if not gate.passed]
    if failed:
        return "failed", f"{len(failed)} of {len(found.gates)} gates failed: {', '.join(failed)}."
    return "passed", f"All gates passed ({len(found.gates)})."


def accuracy_rows(found: Validation) -> list[tuple[str, str, str]]:
    """What was measured, and its interval."""
    accuracy = found.accuracy
    if accuracy is None:
        return []
    rows: list[tuple[str, Interval | None, str]] = [
        ("top-1", accuracy.top1, "%"),
        ("top-5", accuracy.top5, "%"),
        ("top-1 of the reference", accuracy.reference_top1, "%"),
        ("top-5 of the reference", accuracy.reference_top5, "%"),
        ("top-1 lost", accuracy.top1_drop, "points"),
        ("same best class", accuracy.agreement, "%"),
        ("logit error, median", accuracy.logit_error, "% of range"),
    ]
    skipped = f", {len(found.skipped)} skipped" if found.skipped else ""
    labelled = f", labels from {found.labelled_by}" if found.labelled_by else ", no labels"
    table = [("pictures", f"{accuracy.pictures}{skipped}{labelled}", "")]
    table += [(name, f"{number(i.value)} {unit}", interval(i)) for name, i, unit in rows if i is not None]
    if accuracy.largest_logit_error is not None:
        table.append(("logit error, largest", f"{number(accuracy.largest_logit_error)} % of range", ""))
    return table


def number(value: float) -> str:
    """Four digits."""
    return f"{value:.4g}"


def interval(found: Interval) -> str:
    """``73.7 to 81.0``."""
    return f"{number(found.low)} to {number(found.high)}"


def threads_text(latency: Latency) -> str:
    threads = f"{latency.threads} thread{'s' if latency.threads > 1 else ''}"
    return f"{threads} pinned to CPU {', '.join(map(str, latency.cpus))}"


def latency_rows(latency: Latency | None) -> list[tuple[str, str]]:
    if latency is None:
        return []
    rows = [
        ("median", f"{latency.median:.3f} ms"),
        ("p90, p99", f"{latency.percentile(90):.3f} ms, {latency.percentile(99):.3f} ms"),
        ("spread", f"the middle half spans {latency.spread:.1%} of the median"),
        ("runs", f"{len(latency.milliseconds)} after {latency.warmup_runs} to warm up"),
    ]
    return [*rows, ("machine", f"{state_text(latency.before)} before; {state_text(latency.after)} after")]


def state_text(state: MachineState) -> str:
    """What the machine told, and no word of what it did not."""
    parts = [
        f"{state.clock_mhz:.0f} MHz" if state.clock_mhz is not None else None,
        f"{state.temperature_c:.0f} °C" if state.temperature_c is not None else None,
        f"governor {state.governor}" if state.governor is not None else None,
        f"load {state.load:g}",
    ]
    return ", ".join(part for part in parts if part is not None)


def count_rows(counts: Estimate | None) -> list[tuple[str, str]]:
    if counts is None:
        return []
    cycles = ", ".join(f"{in_millions(round(value))} ({name})" for name, value in counts.total.cycles.items())
    misses = ", ".join(f"{count / 1e3:.0f}" for count in counts.total.misses)
    return [
        ("instructions", f"{in_millions(counts.total.instructions)}, exact"),
        ("cycles", f"{cycles}, modelled"),
        ("cache misses", f"{misses} thousand ({', '.join(map(str, counts.caches))}), simulated"),
    ]


def size_rows(model: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the bundle weighs."""
    sizes = model["sizes"]
    return [
        ("library", in_bytes(sizes["library"])),
        ("weights", in_bytes(sizes["weights"])),
        ("planned memory", f"{in_bytes(sizes['context'])} a context"),
        ("multiply-adds", in_millions(sizes["multiply_adds"])),
    ]


def fact_rows(found: Validation) -> list[tuple[str, str]]:
    """Where everything came from."""
    model, provenance = found.model, found.model["provenance"]
    digest = provenance.get("weights_sha256")
    rows = [
        ("model", f"{provenance['source']} ({provenance['format']})"),
        ("weights", f"{provenance['weights']}{f', SHA-256 {digest}' if digest else ''}"),
        ("library", f"{model['library']}, SHA-256 {found.library_sha256}"),
        ("compiled for", f"{model['target']['kind']} ({model['target']['core']}), {model['target']['triple']}"),
        ("precision", f"{model['precision']}, weights stored as {model['weights_storage']}"),
        ("picture", picture_text(model["preprocessing"])),
        ("made with", ", ".join(f"{name} {version}" for name, version in sorted(model["versions"].items()))),
        ("reference", f"{found.reference['name']}, {found.reference['framework']}" if found.reference else "none"),
        ("device", found.device),
        ("machine", ", ".join(str(found.machine[key]) for key in ("cpu", "system") if key in found.machine)),
        ("date", found.date),
    ]
    return [(name, value) for name, value in rows if value]


def picture_text(how: Mapping[str, Any] | None) -> str:
    """How a picture becomes the input."""
    if how is None:
        return "not known"
    mean, std = (", ".join(f"{value:g}" for value in how[key]) for key in ("mean", "std"))
    side = f"short side to {how['resize']} ({how['interpolation']}), centre {how['crop']}x{how['crop']}"
    return f"{side}, RGB / 255, mean ({mean}), std ({std})"
