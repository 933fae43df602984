"""A `Kernel`: a part of ``main`` that becomes one call of a composite function."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tvm_mnv3.compat import Call, IRModule, relax
from tvm_mnv3.passes.composite import composite_function, operand_dtype, operands, output_shape
from tvm_mnv3.passes.dataflow import Dataflow, Writer, array, operator, rewrite, shape
from tvm_mnv3.workload import Workload


@dataclass(frozen=True)
class Kernel:
    """A workload, and where in ``main`` it stands.

    Parameters
    ----------
    workload
        What the kernel computes.
    arguments
        Its operand of each role. One whose shape is not the role's has the same elements in the same order.
    outputs
        The variables that the kernel's outputs replace: the activation, then the mean of a ``pool`` epilogue.
    """

    workload: Workload
    arguments: dict[str, relax.Expr | np.ndarray]
    outputs: tuple[relax.Var, ...]


class Composites:
    """The composite functions that a pass adds, one per workload."""

    def __init__(self) -> None:
        self._functions: dict[Workload, relax.GlobalVar] = {}

    def call(self, writer: Writer, workload: Workload, arguments: Sequence[relax.Expr]) -> Call:
        """A call of the workload's function, its arguments in the order of the roles."""
        if workload not in self._functions:
            self._functions[workload] = writer.function(composite_function(workload), workload.name)
        return Call(self._functions[workload], list(arguments))


def write_kernels(module: IRModule, kernels: Iterable[Kernel]) -> IRModule:
    """Write each kernel as one call of its composite function, shared by the kernels of the same workload."""
    at = {output: kernel for kernel in kernels for output in kernel.outputs}
    composites = Composites()

    def rule(writer: Writer, var: relax.Var, _: relax.Expr) -> bool:
        kernel = at.get(var)
        if kernel is None:
            return False
        if var == kernel.outputs[0]:
            _write(writer, kernel, composites)
        return True

    return rewrite(module, rule)


def called_workload(value: relax.Expr, module: IRModule) -> Workload | None:
    """The workload of the composite function that an expression calls; None if it calls none."""
    if not isinstance(value, Call) or not isinstance(value.op, relax.GlobalVar):
        return None
    attrs = module[value.op].attrs
    return Workload.parse(str(attrs["Workload"])) if attrs and "Workload" in attrs else None


def without_views(expr: relax.Expr, flow: Dataflow) -> relax.Expr:
    """What an expression is a reshape of, or itself."""
    while operator(value := flow.value(expr)) == "reshape":
        expr = value.args[0]
    return expr


def _write(writer: Writer, kernel: Kernel, composites: Composites) -> None:
    arguments = [
        _argument(writer, kernel.arguments[role], wanted, operand_dtype(kernel.workload, role))
        for role, wanted in operands(kernel.workload).items()
    ]
    call = composites.call(writer, kernel.workload, arguments)
    if len(kernel.outputs) == 1:
        (output,) = kernel.outputs
        same = shape(output) == output_shape(kernel.workload)
        writer.bind(output, call if same else relax.op.reshape(writer.emit(call), shape(output)))
        return
    pair = writer.emit(call)
    for index, output in enumerate(kernel.outputs):
        writer.bind(output, relax.TupleGetItem(pair, index))


def _argument(
    writer: Writer, value: relax.Expr | np.ndarray, wanted: tuple[int, ...], constants_dtype: str
) -> relax.Expr:
    constant = value if isinstance(value, np.ndarray) else array(value)
    if constant is not None:
        return relax.const(np.ascontiguousarray(constant, constants_dtype).reshape(wanted))
    return value if shape(value) == wanted else writer.emit(relax.op.reshape(value, wanted))
