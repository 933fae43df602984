"""Layer by layer: what each kernel of a bundle makes of a picture against the reference's own value there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tvm_mnv3.codegen.bundle import Bundle
from tvm_mnv3.codegen.steps import StepRecord, read_steps
from tvm_mnv3.devices.stepping import recorded_values
from tvm_mnv3.passes.composite import output_shape
from tvm_mnv3.source_layer import joined
from tvm_mnv3.validation.reference import Array, Reference
from tvm_mnv3.validation.reference_graph import ReferenceGraph
from tvm_mnv3.workload import Workload

#: The largest difference, in per cent of the range of the reference's values, that rounding alone explains, by the
#: precision of arithmetic and of stored weights. Measured on the trained V3-Small: 0.005 in float32, 0.7 with weights
#: stored as float16, 3 in float16 (a single value of a layer); a wrong activation or weight moves it by 90 and more.
TOLERANCES = {("fp32", "fp32"): 0.1, ("fp32", "fp16"): 3.0, ("fp16", "fp16"): 15.0}


@dataclass(frozen=True)
class LayerError:
    """One step of a run.

    Parameters
    ----------
    step
        Its number, from 0.
    kernel
        Its symbol.
    layers
        The source's layers in it.
    reference_value
        The name of the reference's value that its output was compared with, or None where there is none.
    error
        The largest difference over all pictures, in per cent of the range of the reference's values; None without one.
    """

    step: int
    kernel: str
    layers: tuple[str, ...]
    reference_value: str | None
    error: float | None


@dataclass(frozen=True)
class LayerComparison:
    """All steps in order.

    Parameters
    ----------
    pictures
        Which pictures were compared.
    tolerance
        In per cent; a step whose error is larger departs.
    first
        The first step that departs, or None.
    """

    pictures: tuple[str, ...]
    tolerance: float
    steps: tuple[LayerError, ...]
    first: LayerError | None

    def sentence(self) -> str:
        """Where the answers part, for people."""
        if self.first is None:
            return f"no kernel departs from the reference by more than {self.tolerance:g} %"
        layers = joined(self.first.layers) or "a kernel without weights"
        return (
            f"the first kernel that departs is step {self.first.step}, {self.first.kernel} ({layers}): "
            f"{self.first.error:.3g} % of the range, {self.tolerance:g} % is rounding"
        )


def compare_layers(
    bundle: Bundle, device: str, reference: Reference, samples: Mapping[str, tuple[Array, Array]]
) -> LayerComparison:
    """Compare every kernel's output with the reference's.

    Parameters
    ----------
    samples
        By the picture's name: the bundle's whole input, and the reference's input of the same one picture.

    Raises
    ------
    InputError
        The bundle has no steps, or the reference takes other inputs.
    EnvironmentProblem
        The device failed.
    """
    steps = read_steps(bundle.path).steps
    graph = ReferenceGraph(reference.nodes())
    expected = {step: graph.value_of(record.layers, _workload(record)) for step, record in enumerate(steps)}
    recorded = recorded_values(bundle, device, [[given] for given, _ in samples.values()])
    theirs = [reference.values(picture) for _, picture in samples.values()]
    found = []
    for number, record in enumerate(steps):
        name = expected[number]
        errors = [
            _error(ours[number][0], values[name], _workload(record))
            for ours, values in zip(recorded, theirs, strict=True)
            if name is not None and name in values
        ]
        known = [error for error in errors if error is not None]
        kernel = record.kernel or "copy"
        found.append(LayerError(number, kernel, record.layers, name if known else None, max(known, default=None)))
    manifest = bundle.manifest
    tolerance = TOLERANCES[manifest.precision, manifest.weights_storage]
    first = next((layer for layer in found if layer.error is not None and not layer.error <= tolerance), None)
    return LayerComparison(tuple(samples), tolerance, tuple(found), first)


def _workload(record: StepRecord) -> Workload | None:
    if record.kernel is None or record.kernel.startswith("fallback_"):
        return None
    return Workload.parse(record.kernel)


def _error(ours: Array, theirs: Array, workload: Workload | None) -> float | None:
    """In per cent; None where the values are not of the same shape."""
    if workload is None:
        return None
    shape = output_shape(workload)
    mine = ours.reshape(shape)[:1].astype(np.float64).ravel()
    # The reference is channels-first.
    other = (theirs.transpose(0, 2, 3, 1) if theirs.ndim == 4 else theirs).astype(np.float64).ravel()
    if mine.size != other.size:
        return None
    if not np.isfinite(mine).all():
        return float("inf")
    return 100 * float(np.abs(mine - other).max()) / (float(np.ptp(other)) or 1.0)
