"""``validate``: is a bundle still right, and is it fast enough; the library that ships, on a device, in numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvm_mnv3.codegen.bundle import Bundle, open_bundle, verify_files
from tvm_mnv3.devices import open_device
from tvm_mnv3.errors import InputError
from tvm_mnv3.measuring.latency import Latency, TimedSession, measure_latency
from tvm_mnv3.measuring.machine import describe_machine
from tvm_mnv3.profile import ProfileOptions, now, profile
from tvm_mnv3.profiling.result import Profile
from tvm_mnv3.run import default_device
from tvm_mnv3.validation.accuracy import Accuracy, accuracy_of
from tvm_mnv3.validation.answers import Answers, InputMaker, answer_pictures
from tvm_mnv3.validation.attempts import Attempts
from tvm_mnv3.validation.classes import Classes
from tvm_mnv3.validation.counts import count
from tvm_mnv3.validation.gates import Gates, check_gates, check_measurable
from tvm_mnv3.validation.layers import LayerComparison, compare_layers
from tvm_mnv3.validation.pictures import Picture, PictureSet, find_pictures
from tvm_mnv3.validation.reference import Reference, open_reference
from tvm_mnv3.validation.result import Validation

if TYPE_CHECKING:
    from torch import nn

__all__ = ["STAGES", "Gates", "ValidateOptions", "Validation", "validate"]

#: The stages, in order, as a progress display names them; some are left out where nothing asks for them.
STAGES = ("pictures", "latency", "counts", "layers", "profile")

#: How many pictures are compared layer by layer: those that differ most.
_LAYER_PICTURES = 3


@dataclass(frozen=True)
class ValidateOptions:
    """What to validate, and against what.

    Parameters
    ----------
    bundle
        Its folder.
    images
        The folder of pictures (see `tvm_mnv3.validation.pictures.find_pictures`).
    reference
        What ``compile`` takes: a name, an ``.onnx`` or ``.pt2`` file, or a module; None compares with labels only.
    reference_weights
        Of a named reference; by default what the bundle says of its own.
    device
        ``local`` or ``emulated:CORE``; by default as of ``run``.
    labels
        A table of labels (CSV); by default ``labels.csv`` in the folder, if it is there.
    label_offset
        What to add to the numbers of labels; by default 1 where the bundle's class 0 is a background, else 0.
    limit
        At most so many pictures, evenly spread.
    gates
        Limits that must be kept.
    threads
        How many threads work; the answers do not depend on it.
    seconds
        How long to measure the latency.
    layers
        Compare every kernel with the reference.
    profile
        Measure every kernel's time, on a device that has one.
    """

    bundle: Path
    images: Path
    reference: str | Path | nn.Module | None = None
    reference_weights: str | Path | None = None
    device: str | None = None
    labels: Path | None = None
    label_offset: int | None = None
    limit: int | None = None
    gates: Gates = field(default_factory=Gates)
    threads: int = 1
    seconds: float = 3.0
    layers: bool = False
    profile: bool = False


def validate(options: ValidateOptions, on_stage: Callable[[str], None] = lambda stage: None) -> Validation:
    """Validate a bundle on a device.

    A device that fails halfway ends the measuring; what was measured until then is returned, marked partial.

    Parameters
    ----------
    on_stage
        Called with each of `STAGES` as it begins.

    Raises
    ------
    InputError
        The bundle, the pictures, their labels, the reference or a gate is not usable.
    EnvironmentProblem
        The device is missing or failed at once, or what runs the reference is missing.
    """
    bundle = open_bundle(options.bundle)
    verify_files(bundle)
    device = options.device or default_device(bundle)
    maker = InputMaker(bundle)
    found = find_pictures(options.images, _classes(bundle, options), options.labels, options.limit)
    _check(options, found, device)
    reference = None
    if options.reference is not None:
        reference = open_reference(options.reference, bundle, options.reference_weights)
    attempts = Attempts(on_stage)
    on_stage("pictures")
    with open_device(device).open(bundle.path) as session:
        answers = answer_pictures(bundle, session, found.pictures, reference, options.threads)
        if answers.failure is not None:
            attempts.fail("pictures", answers.failure)
        latency = None
        if isinstance(session, TimedSession):
            first = maker.whole([maker.one(_named(found, answers.pictures[0].name))])
            threads, seconds, timed = options.threads, options.seconds, session
            latency = attempts.measure(
                "latency", lambda: measure_latency(timed, [first], threads=threads, seconds=seconds)
            )
    counts, not_counted = None, None
    if device != "local" and attempts.partial is None:
        on_stage("counts")
        counts, not_counted = count(bundle, device)
    accuracy = accuracy_of(answers.pictures)
    return Validation(
        model=_model(bundle),
        library_sha256=bundle.manifest.files[bundle.manifest.library],
        device=device,
        machine=describe_machine(),
        reference={"name": reference.name, "framework": reference.framework} if reference is not None else None,
        date=now(),
        labelled_by=found.labelled_by,
        skipped=answers.skipped,
        gates=check_gates(options.gates, _measured(accuracy, latency)),
        accuracy=accuracy,
        latency=latency,
        counts=counts,
        layers=_layers(bundle, device, options, found, maker, reference, answers, attempts),
        profile=_profile(options, device, attempts),
        pictures=answers.pictures,
        partial=attempts.partial,
        notes=_notes(bundle, options, found, not_counted),
    )


def _classes(bundle: Bundle, options: ValidateOptions) -> Classes:
    manifest = bundle.manifest
    return Classes.of(manifest.outputs[0].shape[-1], manifest.labels, options.label_offset)


def _check(options: ValidateOptions, found: PictureSet, device: str) -> None:
    """Refuse what can be known to be wrong before minutes of work."""
    has_reference = options.reference is not None
    check_measurable(
        options.gates, labels=found.labelled_by is not None, reference=has_reference, timed=device == "local"
    )
    if options.layers and not has_reference:
        raise InputError("--layers compares with a reference; name one with --reference MODEL.")


def _named(found: PictureSet, name: str) -> Picture:
    return next(picture for picture in found.pictures if picture.name == name)


def _model(bundle: Bundle) -> Mapping[str, Any]:
    """The manifest without what is long."""
    data = dataclasses.asdict(bundle.manifest)
    return {key: value for key, value in data.items() if key not in ("kernels", "labels", "files")}


def _measured(accuracy: Accuracy, latency: Latency | None) -> dict[str, float]:
    """By the gate's name, in its unit."""
    intervals = {
        "min_top1": accuracy.top1,
        "min_top5": accuracy.top5,
        "max_top1_drop": accuracy.top1_drop,
        "min_agreement": accuracy.agreement,
    }
    measured = {name: interval.value for name, interval in intervals.items() if interval is not None}
    if accuracy.largest_logit_error is not None:
        measured["max_logit_error"] = accuracy.largest_logit_error
    if latency is not None:
        measured["max_median_ms"] = latency.median
        measured["max_p90_ms"], measured["max_p99_ms"] = latency.percentile(90), latency.percentile(99)
    return measured


def _layers(
    bundle: Bundle,
    device: str,
    options: ValidateOptions,
    found: PictureSet,
    maker: InputMaker,
    reference: Reference | None,
    answers: Answers,
    attempts: Attempts,
) -> LayerComparison | None:
    """The pictures that differ most, layer by layer."""
    if not options.layers or reference is None:
        return None
    worst = sorted(answers.pictures, key=lambda answer: -(answer.logit_error or 0.0))[:_LAYER_PICTURES]
    samples = {}
    for answer in worst:
        one = maker.one(_named(found, answer.name))
        samples[answer.name] = (maker.whole([one]), one)
    return attempts.measure("layers", lambda: compare_layers(bundle, device, reference, samples))


def _profile(options: ValidateOptions, device: str, attempts: Attempts) -> Profile | None:
    if not options.profile or device != "local":
        return None
    asked = ProfileOptions(options.bundle, device, options.threads, options.seconds)
    return attempts.measure("profile", lambda: profile(asked))


def _notes(bundle: Bundle, options: ValidateOptions, found: PictureSet, not_counted: str | None) -> tuple[str, ...]:
    """What the reader must know."""
    manifest, notes = bundle.manifest, []
    weights = str(manifest.provenance["weights"])
    if weights.startswith("random"):
        notes.append(f"The weights are {weights}: the accuracy means nothing.")
    if found.labelled_by is not None and _classes(bundle, options).shift:
        notes.append("Class 0 of the bundle is the background: a label's number N is the bundle's class N + 1.")
    if found.labelled_by is None:
        notes.append("The pictures have no labels: the accuracy is not known, only the agreement with the reference.")
    return (*notes, *([not_counted] if not_counted else []))
