"""What every frontend promises about ``main``: static tensors in, out and in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tvm_mnv3.compat import IRModule, relax, tirx
from tvm_mnv3.errors import InputError
from tvm_mnv3.frontend.imported import TensorSpec


def tidy(module: IRModule) -> IRModule:
    """`module` without renamings, and without the bindings and functions that no output needs."""
    return relax.transform.DeadCodeElimination(["main"])(relax.transform.CanonicalizeBindings()(module))


def check_static(module: IRModule, file: str) -> None:
    """Raise unless every value in ``main`` is a tensor (or a tuple of tensors) of static shape.

    Raises
    ------
    InputError
        Names `file` and the first operator whose result is no static tensor.
    """
    main = module["main"]
    for parameter in main.params:
        if not is_static(parameter.ty):
            raise InputError(f"{file}: input {parameter.name_hint!r} has no static shape ({parameter.ty}).")
    for block in main.body.blocks:
        for binding in block.bindings:
            if not is_static(binding.var.ty):
                raise InputError(
                    f"{file}: the result of {operator_name(binding.value)} has no static tensor shape "
                    f"({binding.var.ty}); only networks whose shapes do not depend on data can be compiled."
                )


def is_static(ty: Any) -> bool:
    """Whether the Relax type `ty` is a tensor of static shape or a tuple of such."""
    if isinstance(ty, relax.TupleType):
        return all(is_static(field) for field in ty.fields)
    if not isinstance(ty, relax.TensorType) or not isinstance(ty.shape, relax.ShapeExpr):
        return False
    return all(isinstance(extent, tirx.IntImm) for extent in ty.shape.values)


def operator_name(value: Any) -> str:
    """What to call the right side of a Relax binding in a message."""
    if isinstance(value, relax.Call):
        return str(getattr(value.op, "name", value.op))
    return type(value).__name__


def output_specs(module: IRModule, names: Sequence[str]) -> tuple[TensorSpec, ...]:
    """The specs of what ``main`` returns, called `names` in order."""
    returned = module["main"].ret_ty
    types = list(returned.fields) if isinstance(returned, relax.TupleType) else [returned]
    return tuple(_spec(name, ty) for name, ty in zip(names, types, strict=True))


def input_specs(module: IRModule, names: Sequence[str]) -> tuple[TensorSpec, ...]:
    """The specs of the parameters of ``main``, called `names` in order."""
    return tuple(_spec(name, parameter.ty) for name, parameter in zip(names, module["main"].params, strict=True))


def _spec(name: str, ty: Any) -> TensorSpec:
    return TensorSpec(name, tuple(int(extent) for extent in ty.shape.values), str(ty.dtype))
