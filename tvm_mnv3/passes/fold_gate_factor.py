"""FoldGateFactor: a number that multiplies the input of a convolution goes into its weights.

Such a number is what is left of a 1/6 that was rounded when the network was converted (see
NormalizeActivations); it stands before the convolution itself, or on the gate that multiplies the
convolution's input.
"""

from __future__ import annotations

import numpy as np

from tvm_mnv3.compat import Call, IRModule, relax
from tvm_mnv3.passes.dataflow import Dataflow, Writer, array, dtype, number, operator, rewrite


def fold_gate_factor(module: IRModule) -> IRModule:
    """Multiply the factors of each convolution's or matrix product's input into its weights."""
    flow = Dataflow.of(module)
    weights: dict[relax.Var, np.ndarray] = {}
    dropped: dict[relax.Var, relax.Var] = {}
    for var, value in flow.definitions.items():
        if operator(value) not in ("nn.conv2d", "matmul") or (weight := array(value.args[1])) is None:
            continue
        factors = _factors(value.args[0], flow)
        if factors:
            scale = np.prod([factor for _, _, factor in factors])
            weights[var] = (weight.astype(np.float64) * scale).astype(dtype(value))
            dropped.update({product: operand for product, operand, _ in factors})

    def rule(writer: Writer, var: relax.Var, value: relax.Expr) -> bool:
        if var in dropped:
            writer.bind(var, dropped[var])
        elif var in weights:
            writer.bind(var, Call(value.op, [value.args[0], relax.const(weights[var])], value.attrs))
        return var in dropped or var in weights

    return rewrite(module, rule)


def _factors(data: relax.Expr, flow: Dataflow) -> list[tuple[relax.Var, relax.Var, float]]:
    """The multiplications by a number that `data` is made with and no one else reads: result, operand, number."""
    value = flow.value(data)
    if operator(value) != "multiply" or flow.only_reader(data) is None:
        return []
    for operand, factor in (value.args, reversed(value.args)):
        if isinstance(operand, relax.Var) and (constant := number(factor)) is not None and operand.ty == data.ty:
            return [(data, operand, constant), *_factors(operand, flow)]
    return [factor for operand in value.args if isinstance(operand, relax.Var) for factor in _factors(operand, flow)]
