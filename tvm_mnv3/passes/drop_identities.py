"""DropIdentities: operators that do nothing at inference are taken out.

Dropout, casts to the dtype a tensor has, padding by nothing, adding 0 and multiplying by 1, clamps without
bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from tvm_mnv3.compat import Call, IRModule, relax
from tvm_mnv3.passes.dataflow import Dataflow, Writer, dtype, number, operator, rewrite


def drop_identities(module: IRModule) -> IRModule:
    """Replace each operator that returns one of its operands by that operand."""
    flow = Dataflow.of(module)

    def rule(writer: Writer, var: relax.Var, value: relax.Expr) -> bool:
        same = _same(value, flow)
        if same is None or same.ty != var.ty:
            return False
        writer.bind(var, same)
        return True

    return rewrite(module, rule)


def _same(value: relax.Expr, flow: Dataflow) -> relax.Expr | None:
    """The operand that `value` is equal to, if its operator is an identity."""
    if isinstance(value, relax.TupleGetItem):
        dropout = flow.value(value.tuple_value)
        return dropout.args[0] if operator(dropout) == "nn.dropout" and value.index == 0 else None
    find = _IDENTITIES.get(operator(value))
    return find(value) if find else None


def _neutral(constant: float, *, commutes: bool) -> Callable[[Call], relax.Expr | None]:
    """Finds the other operand of a binary operator one of whose operands is its neutral element."""

    def find(call: Call) -> relax.Expr | None:
        left, right = call.args
        if number(right) == constant:
            return left
        return right if commutes and number(left) == constant else None

    return find


def _unbounded(call: Call) -> relax.Expr | None:
    return call.args[0] if (number(call.args[1]), number(call.args[2])) == (-math.inf, math.inf) else None


_IDENTITIES: dict[str, Callable[[Call], relax.Expr | None]] = {
    "astype": lambda call: call.args[0] if dtype(call.args[0]) == dtype(call) else None,
    "nn.pad": lambda call: None if any(int(width) for width in call.attrs.pad_width) else call.args[0],
    "add": _neutral(0, commutes=True),
    "subtract": _neutral(0, commutes=False),
    "multiply": _neutral(1, commutes=True),
    "divide": _neutral(1, commutes=False),
    "clip": _unbounded,
}
