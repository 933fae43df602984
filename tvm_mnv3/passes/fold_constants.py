"""FoldConstants: evaluate operators on constants with NumPy.

Relax's own FoldConstant builds a kernel with LLVM for every operator: many seconds for MobileNetV3-Large.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tvm_mnv3.compat import Call, IRModule, relax
from tvm_mnv3.passes.dataflow import Dataflow, Writer, array, number, operator, rewrite, shape

_Evaluator = Callable[[Call, list[np.ndarray]], np.ndarray]

#: By operator; the arrays are its constant tensor operands.
_EVALUATORS: dict[str, _Evaluator] = {
    "add": lambda _, x: x[0] + x[1],
    "subtract": lambda _, x: x[0] - x[1],
    "multiply": lambda _, x: x[0] * x[1],
    "divide": lambda _, x: x[0] / x[1],
    "maximum": lambda _, x: np.maximum(x[0], x[1]),
    "minimum": lambda _, x: np.minimum(x[0], x[1]),
    "sqrt": lambda _, x: np.sqrt(x[0]),
    "rsqrt": lambda _, x: 1 / np.sqrt(x[0]),
    "negative": lambda _, x: -x[0],
    "isnan": lambda _, x: np.isnan(x[0]),
    "where": lambda _, x: np.where(x[0], x[1], x[2]),
    "clip": lambda call, x: np.clip(x[0], number(call.args[1]), number(call.args[2])),
    "astype": lambda _, x: x[0],
    "permute_dims": lambda call, x: np.transpose(x[0], call.attrs.axes),
    "reshape": lambda call, x: x[0].reshape(shape(call)),
    "expand_dims": lambda call, x: x[0].reshape(shape(call)),
    "squeeze": lambda call, x: x[0].reshape(shape(call)),
    "flatten": lambda call, x: x[0].reshape(shape(call)),
    "broadcast_to": lambda call, x: np.broadcast_to(x[0], shape(call)),
    "dequantize": lambda call, x: _dequantize(x[0], x[1], x[2], int(call.attrs.axis)),
}


def fold_constants(module: IRModule) -> IRModule:
    """Replace every operator of `_EVALUATORS` whose operands are all constants by its value."""
    known: dict[relax.Var, np.ndarray] = {}
    for var, value in Dataflow.of(module).definitions.items():
        result = _evaluate(value, known)
        if result is not None:
            known[var] = result

    def rule(writer: Writer, var: relax.Var, _: relax.Expr) -> bool:
        if var in known:
            writer.bind(var, relax.const(known[var]))
        return var in known

    return rewrite(module, rule)


def is_constant(value: relax.Expr) -> bool:
    """Whether an expression is an operator that `fold_constants` would have evaluated."""
    return _evaluate(value, {}) is not None


def _evaluate(value: relax.Expr, known: dict[relax.Var, np.ndarray]) -> np.ndarray | None:
    evaluator = _EVALUATORS.get(operator(value))
    if evaluator is None:
        return None
    operands = []
    for arg in value.args:
        if isinstance(arg.ty, relax.TensorType):
            operand = known.get(arg) if isinstance(arg, relax.Var) else array(arg)
            if operand is None:
                return None
            operands.append(operand)
    with np.errstate(all="ignore"):
        result = evaluator(value, operands)
    return np.asarray(result, dtype=str(value.ty.dtype), order="C").reshape(shape(value))


def _dequantize(x: np.ndarray, scale: np.ndarray, zero: np.ndarray, axis: int) -> np.ndarray:
    along = [1] * x.ndim
    along[axis] = -1
    centred = x.astype(np.float64) - zero.astype(np.float64).reshape(along)
    dequantized: np.ndarray = centred * scale.reshape(along)
    return dequantized
