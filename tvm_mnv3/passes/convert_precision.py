"""ConvertPrecision: let the kernels of a network in normal form compute in float16.

The stem and the first depthwise kernel keep float32 weights and sums: what is rounded there goes through the whole
network. In a trained V3-Small, whose logits range over 20, float16 moves them by 0.0130 in the mean, and by 0.0168 with
that depthwise kernel in float16 too (its edge filters of up to 47 have products that cancel).

The network's inputs and outputs keep their dtypes, and so do the ordinary operators between kernels; where a value
passes from one to the other it is cast once.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tvm_mnv3.compat import Call, GlobalVar, IRModule, relax
from tvm_mnv3.passes.composite import composite_function, operand_dtype, operands
from tvm_mnv3.passes.dataflow import SWEEP, Dataflow, array, dtype, operator
from tvm_mnv3.passes.half_weights import HALF, check_range, rounded_to_half
from tvm_mnv3.passes.kernels import called_workload
from tvm_mnv3.workload import Workload

#: So many depthwise kernels, from the input on, keep float32 weights and sums.
EXACT_DEPTHWISE = 1
_ADVICE = "compile with --precision fp32"


def convert_precision(module: IRModule) -> IRModule:
    """Every composite of a module in normal form as its float16 twin, weights rounded to float16.

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
        self._depthwise_kernels = 0

    def convert(self) -> IRModule:
        main = self._module["main"]
        parameters = list(main.params)
        self._values = {parameter: parameter for parameter in parameters}
        with self._builder.function("main", parameters, attrs=dict(main.attrs or {})):
            with self._builder.dataflow():
                for var, value in self._flow.definitions.items():
                    self._values[var] = self._builder.emit(self._value(value))
                output = self._builder.emit_output(self._as(main.body.body))
            self._builder.emit_func_output(output)
        return self._builder.get()

    def _value(self, value: relax.Expr) -> relax.Expr:
        workload = called_workload(value, self._module)
        if workload is not None:
            return self._kernel(workload, dict(zip(operands(workload), value.args, strict=True)))
        if isinstance(value, relax.TupleGetItem):
            return relax.TupleGetItem(self._values[value.tuple_value], value.index)
        if operator(value) == "reshape":
            return relax.op.reshape(self._values.get(value.args[0], value.args[0]), value.args[1])
        if isinstance(value, Call):
            arguments = [self._as(argument) for argument in value.args]
            return Call(value.op, arguments, value.attrs, value.ty_args)
        return self._as(value)

    def _kernel(self, workload: Workload, arguments: dict[str, relax.Expr]) -> Call:
        half = dataclasses.replace(workload, dtype=HALF, sums_dtype="float32" if self._is_exact(workload) else None)
        if half.operator == "conv" and not half.prologue and arguments["data"] in self._flow.parameters:
            # Normalization by one and zero: the kernel then reads the float32 input as it is.
            half = dataclasses.replace(half, prologue=("affine",))
            one = np.ones(half.in_channels, np.float32)
            arguments |= {"factor": relax.const(one), "offset": relax.const(0 * one)}
        if half.name not in self._functions:
            self._functions[half.name] = self._builder.add_func(composite_function(half), half.name)
        operand_of = {role: self._operand(argument, role, half) for role, argument in arguments.items()}
        return Call(self._functions[half.name], [operand_of[role] for role in operands(half)])

    def _is_exact(self, workload: Workload) -> bool:
        self._depthwise_kernels += workload.operator == "depthwise"
        is_early = workload.operator == "depthwise" and self._depthwise_kernels <= EXACT_DEPTHWISE
        return is_early or workload.operator == "conv"

    def _operand(self, argument: relax.Expr, role: str, workload: Workload) -> relax.Expr:
        constant, wanted = array(argument), operand_dtype(workload, role)
        if constant is None:
            return self._cast(self._values[argument], wanted)
        if workload.sum_dtype != HALF:
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
