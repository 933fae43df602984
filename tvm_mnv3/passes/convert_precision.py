"""ConvertPrecision: let the kernels of a network in normal form compute in float16.

The network's inputs and outputs keep their dtypes, and so do the ordinary operators between kernels; where a value
passes from one to the other it is cast once.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tvm_mnv3.compat import Call, GlobalVar, IRModule, relax
from tvm_mnv3.errors import InputError
from tvm_mnv3.passes.composite import composite_function
from tvm_mnv3.passes.dataflow import SWEEP, Dataflow, array, dtype, operator
from tvm_mnv3.passes.kernels import called_workload

HALF = "float16"


def convert_precision(module: IRModule) -> IRModule:
    """Every composite of a module in normal form as its float16 twin, weights rounded to float16.

    Raises
    ------
    InputError
        A weight is beyond float16's range.
    """
    return SWEEP(_Converter(module).convert())


def rounded_to_half(weight: np.ndarray, advice: str) -> np.ndarray:
    """A weight rounded to float16: to the nearest, ties to even.

    Raises
    ------
    InputError
        It is beyond float16's range; `advice` says what to do about it.
    """
    with np.errstate(over="ignore"):
        rounded = weight.astype(HALF)
    if not np.isfinite(rounded).all():
        raise InputError(f"A weight of {np.abs(weight).max():.3g} is beyond float16's range of 65504; {advice}.")
    return rounded


class _Converter:
    """Writes ``main`` anew, binding by binding."""

    def __init__(self, module: IRModule) -> None:
        self._module = module
        self._flow = Dataflow.of(module)
        self._builder = relax.BlockBuilder()
        self._values: dict[relax.Var, relax.Expr] = {}
        self._casts: dict[tuple[relax.Expr, str], relax.Expr] = {}
        self._functions: dict[str, GlobalVar] = {}

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
            half = dataclasses.replace(workload, dtype=HALF)
            if half.name not in self._functions:
                self._functions[half.name] = self._builder.add_func(composite_function(half), half.name)
            return Call(self._functions[half.name], [self._half(argument) for argument in value.args])
        if isinstance(value, relax.TupleGetItem):
            return relax.TupleGetItem(self._values[value.tuple_value], value.index)
        if operator(value) == "reshape":
            return relax.op.reshape(self._values.get(value.args[0], value.args[0]), value.args[1])
        if isinstance(value, Call):
            arguments = [self._as(argument) for argument in value.args]
            return Call(value.op, arguments, value.attrs, value.ty_args)
        return self._as(value)

    def _half(self, argument: relax.Expr) -> relax.Expr:
        constant = array(argument)
        if constant is None:
            return self._cast(self._values[argument], HALF)
        return relax.const(rounded_to_half(constant, "compile with --precision fp32"))

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
