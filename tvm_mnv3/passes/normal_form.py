"""The normal form as checks: what is legal after each phase of the pipeline.

A check yields what is wrong with ``main``. `CheckNormalForm` is the pass that runs the checks of a phase;
they are those of the phases before it, as far as they still hold, and its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tvm_mnv3.compat import Call, IRModule, relax, tirx
from tvm_mnv3.errors import InputError
from tvm_mnv3.passes.composite import operand_dtype, operands, output_shape
from tvm_mnv3.passes.convert_layout import LAYOUT_OPERATORS, has_nhwc_form
from tvm_mnv3.passes.dataflow import Dataflow, array, dtype, operator, shape
from tvm_mnv3.passes.fold_constants import is_constant
from tvm_mnv3.passes.kernels import called_workload
from tvm_mnv3.passes.linear import linear_at
from tvm_mnv3.passes.normalize_activations import misspelt_activations
from tvm_mnv3.workload import Workload


class NormalFormError(InputError):
    """A module is not in the normal form after a phase; the message names the check, the operator and its variable."""


#: A variable of ``main`` that is not in the normal form, and what is wrong with its value.
Problem = tuple[relax.Var, str]
Check = Callable[[Dataflow, IRModule], Iterator[Problem]]


@dataclass(frozen=True)
class CheckNormalForm:
    """Raises unless a module passes the checks of a phase, and passes the module on.

    Parameters
    ----------
    phase
        A key of `CHECKS`.
    """

    phase: str

    def __call__(self, module: IRModule) -> IRModule:
        """Return `module` as it is.

        Raises
        ------
        NormalFormError
            Names the first value that fails, its operator and, where the importer kept it, its place in the source.
        """
        blocks = module["main"].body.blocks
        if len(blocks) > 1 or not all(isinstance(block, relax.DataflowBlock) for block in blocks):
            raise NormalFormError(f"After {self.phase}: the network has control flow; only straight-line ones compile.")
        flow = Dataflow.of(module)
        for check in CHECKS[self.phase]:
            for var, problem in check(flow, module):
                place = _place(var, flow.value(var))
                raise NormalFormError(f"{place}, after {self.phase} ({check.__name__}): {problem}.")
        return module


def static_tensors(flow: Dataflow, _: IRModule) -> Iterator[Problem]:
    """Every value is a tensor, or a tuple of tensors, of static shape."""
    for var in (*flow.parameters, *flow.definitions):
        for field in var.ty.fields if isinstance(var.ty, relax.TupleType) else [var.ty]:
            if not isinstance(field, relax.TensorType) or not isinstance(field.shape, relax.ShapeExpr):
                yield var, f"{field} is no tensor of known shape; fix the shapes when exporting the network"
            elif not all(isinstance(extent, tirx.IntImm) for extent in field.shape.values):
                yield var, f"its shape {field.shape} is dynamic; fix the shapes when exporting the network"


def batch_norms_folded(flow: Dataflow, _: IRModule) -> Iterator[Problem]:
    """No batch norm is left, and no dropout."""
    for var, value in flow.definitions.items():
        if operator(value) in ("nn.batch_norm", "nn.dropout"):
            yield var, "it computes its statistics while it runs; export the network in inference mode"


def constants_folded(flow: Dataflow, _: IRModule) -> Iterator[Problem]:
    """Nothing is computed from constants alone."""
    for var, value in flow.definitions.items():
        if is_constant(value):
            yield var, "all its operands are constants"


def activations_spelt(flow: Dataflow, _: IRModule) -> Iterator[Problem]:
    """Every activation is in the one spelling of `tvm_mnv3.passes.activations`."""
    for var in misspelt_activations(flow):
        yield var, "it is an activation in another spelling"


def channels_last(flow: Dataflow, _: IRModule) -> Iterator[Problem]:
    """Whatever has a channels-last form is in it, and no transpose stands between two such operators."""
    for var, value in flow.definitions.items():
        if has_nhwc_form(value):
            yield var, "it works on NCHW"
        if operator(value) == "permute_dims" and _is_layout_aware(flow.value(value.args[0])):
            readers = [flow.definitions[reader] for reader in flow.readers[var] if reader is not None]
            if any(_is_layout_aware(reader) for reader in readers):
                yield var, "it is a transpose inside the network"


def kernels_are_composites(flow: Dataflow, _: IRModule) -> Iterator[Problem]:
    """Whatever has a workload is a composite."""
    for var in flow.definitions:
        linear = linear_at(var, flow)
        if linear is not None:
            yield var, f"it is {linear.workload.name}, but not a composite"


def composites_are_workloads(flow: Dataflow, module: IRModule) -> Iterator[Problem]:
    """A composite's attributes, operands and result are those of its workload."""
    for var, value in flow.definitions.items():
        if isinstance(value, Call) and isinstance(value.op, relax.GlobalVar):
            workload = called_workload(value, module)
            problem = _misfit(value, workload, module) if workload else "it calls a function that is no composite"
            if problem is not None:
                yield var, problem


def _is_layout_aware(value: relax.Expr) -> bool:
    """Whether an operator, or the composite made of it, has its maps in NHWC."""
    return operator(value) in LAYOUT_OPERATORS or (isinstance(value, Call) and isinstance(value.op, relax.GlobalVar))


def _misfit(call: Call, workload: Workload, module: IRModule) -> str | None:
    """What of a composite's call is not as its workload says."""
    attrs, roles = module[call.op].attrs, operands(workload)
    if attrs["Composite"] != f"tvm_mnv3.{workload.operator}":
        return f"its Composite is {attrs['Composite']}"
    if [str(role) for role in attrs["Operands"]] != list(roles):
        return f"its operands are {list(attrs['Operands'])} instead of {list(roles)}"
    for (role, wanted), operand in zip(roles.items(), call.args, strict=True):
        if shape(operand) != wanted or dtype(operand) != operand_dtype(workload, role):
            return f"its {role} is {operand.ty} instead of {operand_dtype(workload, role)} {wanted}"
        if role.startswith(("weight", "bias", "factor", "offset")) and array(operand) is None:
            return f"its {role} is no constant"
    results = call.ty.fields if isinstance(call.ty, relax.TupleType) else [call.ty]
    if any(str(result.dtype) != workload.dtype for result in results):
        return f"its results are {', '.join(map(str, results))} instead of {workload.dtype}"
    result = results[0]
    extents = tuple(int(extent) for extent in result.shape.values)
    return None if extents == output_shape(workload) else f"its result is {result}"


def _place(var: relax.Var, value: relax.Expr) -> str:
    name = operator(value) or (value.op.name_hint if isinstance(value, Call) else type(value).__name__)
    span = value.span
    source = f" of {span.source_name.name}, line {span.line}" if span is not None else ""
    return f"Operator {name} ({var.name}){source}"


_FOLDED: tuple[Check, ...] = (static_tensors, batch_norms_folded, constants_folded)

#: The checks by the phase after which they run.
CHECKS: dict[str, tuple[Check, ...]] = {
    "import": (static_tensors,),
    "folding": _FOLDED,
    "activations": (*_FOLDED, activations_spelt),
    "layout": (*_FOLDED, activations_spelt, channels_last),
    "kernels": (*_FOLDED, channels_last, kernels_are_composites, composites_are_workloads),
}
