"""ConvertPrecision: let the kernels of a network in normal form compute in float16.

The first kernels stay in float32, activations too: what is rounded there goes through the whole network, and their
sums cancel most (edge filters of up to 47 in the first depthwise kernel, projections to 16 and 24 channels). In a
trained V3-Small, whose logits range over 20, float16 moves them by 0.0081 in the mean; by 0.0116 where one bottleneck
is in float32, not two.

They end with a projection, so that what is cast to float16 is the narrowest tensor of its size. The network's inputs
and outputs keep their dtypes, and so do the ordinary operators between kernels; where a value passes from one dtype to
the other it is cast once.
"""

from __future__ import annotations

import dataclasses
from itertools import accumulate

from tvm_mnv3.compat import Call, GlobalVar, IRModule, relax
from tvm_mnv3.passes.composite import composite_function, operand_dtype, operands
from tvm_mnv3.passes.dataflow import SWEEP, Dataflow, array, dtype, operator
from tvm_mnv3.passes.half_weights import HALF, check_range, rounded_to_half
from tvm_mnv3.passes.kernels import called_workload
from tvm_mnv3.workload import Workload

#: The kernels that stay in float32 have at most so many multiply-adds for a picture, so that their price has a bound
#: whatever the network: two bottlenecks of V3-Small, one of V3-Large.
EXACT_MULTIPLY_ADDS = 12_500_000
#: And at most such a part of the network's.
EXACT_PART = 1 / 3
_ADVICE = "compile with --precision fp32"


def convert_precision(module: IRModule) -> IRModule:
    """Every composite of a module in normal form, but the first ones, as its float16 twin, weights rounded to float16.

    Raises
    ------
    InputError
        A weight is beyond float16's range.
    """
    return SWEEP(_Converter(module).convert())


class _Converter:
    """Writes ``main`` anew, binding by binding."""

    def __init__(self, module: IRModule) -> None:
        self._module = module
        self._flow = Dataflow.of(module)
        self._builder = relax.BlockBuilder()
        self._values: dict[relax.Var, relax.Expr] = {}
        self._casts: dict[tuple[relax.Expr, str], relax.Expr] = {}
        self._functions: dict[str, GlobalVar] = {}
        self._exact = _exact_kernels(module, self._flow)

    def convert(self) -> IRModule:
        main = self._module["main"]
        parameters = list(main.params)
        self._values = {parameter: parameter for parameter in parameters}
        with self._builder.function("main", parameters, attrs=dict(main.attrs or {})):
            with self._builder.dataflow():
                for var, value in self._flow.definitions.items():
                    self._values[var] = self._builder.emit(self._value(var, value))
                output = self._builder.emit_output(self._as(main.body.body))
            self._builder.emit_func_output(output)
        return self._builder.get()

    def _value(self, var: relax.Var, value: relax.Expr) -> relax.Expr:
        workload = called_workload(value, self._module)
        if workload is not None:
            converted = workload if var in self._exact else dataclasses.replace(workload, dtype=HALF)
            return self._kernel(converted, dict(zip(operands(workload), value.args, strict=True)))
        if isinstance(value, relax.TupleGetItem):
            return relax.TupleGetItem(self._values[value.tuple_value], value.index)
        if operator(value) == "reshape":
            return relax.op.reshape(self._values.get(value.args[0], value.args[0]), value.args[1])
        if isinstance(value, Call):
            arguments = [self._as(argument) for argument in value.args]
            return Call(value.op, arguments, value.attrs, value.ty_args)
        return self._as(value)

    def _kernel(self, workload: Workload, arguments: dict[str, relax.Expr]) -> Call:
        if workload.name not in self._functions:
            self._functions[workload.name] = self._builder.add_func(composite_function(workload), workload.name)
        operand_of = {role: self._operand(argument, role, workload) for role, argument in arguments.items()}
        return Call(self._functions[workload.name], [operand_of[role] for role in operands(workload)])

    def _operand(self, argument: relax.Expr, role: str, workload: Workload) -> relax.Expr:
        constant, wanted = array(argument), operand_dtype(workload, role)
        if constant is None:
            return self._cast(self._values[argument], wanted)
        if workload.dtype != HALF:
            return argument
        if wanted != HALF:
            check_range(constant, _ADVICE)
            return argument
        return relax.const(rounded_to_half(constant, _ADVICE))

    def _as(self, old: relax.Expr) -> relax.Expr:
        """What has become of an expression of the old ``main``, in the dtype that it had there."""
        if isinstance(old, relax.Tuple):
            return relax.Tuple([self._as(item) for item in old.fields])
        if not isinstance(old, relax.Var):
            return old
        new = self._values[old]
        return self._cast(new, dtype(old)) if isinstance(new.ty, relax.TensorType) else new

    def _cast(self, value: relax.Expr, wanted: str) -> relax.Expr:
        if dtype(value) == wanted:
            return value
        if (value, wanted) not in self._casts:
            self._casts[value, wanted] = self._builder.emit(relax.op.astype(value, wanted))
        return self._casts[value, wanted]


def _exact_kernels(module: IRModule, flow: Dataflow) -> set[relax.Var]:
    """The kernels that stay in float32: up to the last projection that can be afforded, and always the first one.

    So do kernels that normalize their input, which is float32 or 8-bit pixels.
    """
    kernels = [
        (var, workload) for var, value in flow.definitions.items() if (workload := called_workload(value, module))
    ]
    sums = list(accumulate(workload.multiply_adds // workload.batch for _, workload in kernels))
    most = min(EXACT_MULTIPLY_ADDS, EXACT_PART * sums[-1]) if sums else 0
    ends = [
        number
        for number, (total, (_, workload)) in enumerate(zip(sums, kernels, strict=True))
        if total <= most and workload.operator == "pointwise" and workload.activation is None
    ]
    first = max(ends, default=0) + 1
    return {var for number, (var, workload) in enumerate(kernels) if number < first or "affine" in workload.prologue}
