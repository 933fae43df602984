"""``inspect`` of a model file: what is in it before anything is done to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tvm_mnv3.compat import GenericConst, IRModule, Op, relax
from tvm_mnv3.frontend.load import load_model
from tvm_mnv3.tensor_spec import TensorSpec


@dataclass(frozen=True)
class FileDescription:
    """A model file as imported.

    Parameters
    ----------
    source
        The file's name.
    format
        ``pt2`` or ``onnx``.
    operators
        How often each Relax operator is called.
    constant_bytes
        Of weights and all other constants.
    """

    source: str
    format: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    operators: Mapping[str, int]
    constant_bytes: int


def describe_file(
    path: Path, *, batch: int = 1, input_shapes: Mapping[str, Sequence[int]] | None = None
) -> FileDescription:
    """Import a model file and count what is in it.

    Parameters
    ----------
    batch, input_shapes
        Of dimensions that the file leaves open (see `tvm_mnv3.frontend.load.load_model`).

    Raises
    ------
    InputError
        The file cannot be imported.
    """
    imported = load_model(path, batch=batch, input_shapes=input_shapes or None)
    return FileDescription(
        source=imported.provenance.source,
        format=imported.provenance.format,
        inputs=imported.inputs,
        outputs=imported.outputs,
        operators=_operators(imported.module),
        constant_bytes=_constant_bytes(imported.module),
    )


def _operators(module: IRModule) -> dict[str, int]:
    names: Counter[str] = Counter()

    def visit(expression: object) -> None:
        if isinstance(expression, relax.Call) and isinstance(expression.op, Op):
            names[expression.op.name.removeprefix("relax.")] += 1

    relax.analysis.post_order_visit(module["main"].body, visit)
    return dict(names)


def _constant_bytes(module: IRModule) -> int:
    """Each constant once, however often it is read."""
    sizes: dict[object, int] = {}

    def visit(expression: object) -> None:
        if isinstance(expression, GenericConst):
            sizes[expression] = expression.value.numpy().nbytes

    relax.analysis.post_order_visit(module["main"].body, visit)
    return sum(sizes.values())
