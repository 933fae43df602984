"""The reference: the model itself, run by its own framework, with every value in it open to comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from tvm_mnv3.codegen.bundle import Bundle
from tvm_mnv3.errors import InputError
from tvm_mnv3.source import is_file

if TYPE_CHECKING:
    from torch import nn

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class ReferenceNode:
    """An operation of the reference.

    Parameters
    ----------
    output
        The name of its (first) value.
    operator
        As its framework calls it: ``Conv``, ``aten.conv2d.default``.
    inputs
        The names of the values that it reads, without constants.
    layer
        The name of a layer with weights (a convolution, a matrix product), else None.
    weight_shape
        Of that layer: outputs, inputs per group, and the window where there is one.
    """

    output: str
    operator: str
    inputs: tuple[str, ...]
    layer: str | None = None
    weight_shape: tuple[int, ...] = ()


class Reference(Protocol):
    """A model in its own framework, for one picture at a time."""

    name: str
    #: What runs it, with its version: ``onnxruntime 1.32.0``.
    framework: str

    def run(self, picture: Array) -> Array:
        """The output for a float32 input with a batch of one.

        Raises
        ------
        InputError
            The reference takes other inputs.
        """

    def nodes(self) -> Sequence[ReferenceNode]:
        """All operations, in an order in which they can be done."""

    def values(self, picture: Array) -> Mapping[str, Array]:
        """The value of every operation, by its output's name."""


def open_reference(model: str | Path | nn.Module, bundle: Bundle, weights: str | Path | None = None) -> Reference:
    """The reference that the user names; it takes what ``compile`` takes.

    Parameters
    ----------
    model
        A name, an ``.onnx`` or ``.pt2`` file, or a module.
    weights
        Of a named model; by default what the bundle says of its own.

    Raises
    ------
    InputError
        The model cannot be read, or answers with other classes than the bundle.
    EnvironmentProblem
        onnxruntime is not installed.
    """
    # Each brings a framework with it.
    if isinstance(model, (str, Path)) and Path(model).suffix.lower() == ".onnx":
        from tvm_mnv3.validation.reference_onnx import OnnxReference

        _only_of_names(weights, model)
        return OnnxReference(Path(model))
    from tvm_mnv3.validation import reference_torch

    if isinstance(model, str) and not is_file(model):
        return reference_torch.named_reference(model, bundle, weights)
    _only_of_names(weights, model)
    if isinstance(model, (str, Path)):
        return reference_torch.file_reference(Path(model))
    return reference_torch.module_reference(model, bundle)


def check_answer(reference: Reference, answer: Array, bundle: Bundle) -> None:
    """Refuse a reference that answers with another number of classes.

    Raises
    ------
    InputError
        It does.
    """
    classes = bundle.manifest.outputs[0].shape[-1]
    if answer.size != classes:
        raise InputError(
            f"The reference {reference.name} answers with {answer.size} numbers a picture, the bundle with {classes} "
            "classes: it is another model."
        )


def other_input(reference: str, wanted: Sequence[object], given: Array) -> InputError:
    """What to raise where the reference's input is not the bundle's."""
    shape = "x".join(map(str, wanted))
    return InputError(
        f"The reference {reference} takes an input of {shape}, and the bundle's is "
        f"{'x'.join(map(str, given.shape))} for one picture: it is another model, or one for another size."
    )


def _only_of_names(weights: str | Path | None, model: object) -> None:
    if weights is not None:
        what = Path(model).name if isinstance(model, (str, Path)) else type(model).__name__
        raise InputError(f"--reference-weights goes with the name of a model; {what} brings its own. Leave it out.")


def as_float32(value: object) -> Array:
    """A value of any framework, for comparison."""
    return np.asarray(value, dtype=np.float32)
