"""The activations of MobileNetV3 in the normal form's one spelling: building them, and finding them again.

``hsigmoid(x) = clip(x * (1/6) + 0.5, 0, 1)`` and ``hswish(x) = x * hsigmoid(x)``: one multiply-add, a maximum
and a minimum (Searching for MobileNetV3, section 5.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tvm_mnv3.compat import relax
from tvm_mnv3.passes.dataflow import Dataflow, dtype, number, operator


@dataclass(frozen=True)
class Activation:
    """An activation that is a ramp ``clamp(slope * x + offset, low, high)``.

    Parameters
    ----------
    ramp
        Slope, offset, low and high.
    build
        Writes it on an expression.
    """

    ramp: tuple[float, float, float, float]
    build: Callable[[relax.Expr], relax.Expr]


def relu6(x: relax.Expr) -> relax.Expr:
    """ReLU6 of a tensor."""
    return relax.op.clip(x, 0, 6)


def hsigmoid(x: relax.Expr) -> relax.Expr:
    """Hard-sigmoid of a tensor, in the normal form's spelling."""
    sixth, half = relax.const(1 / 6, dtype(x)), relax.const(0.5, dtype(x))
    return relax.op.clip(relax.op.add(relax.op.multiply(x, sixth), half), 0, 1)


def hswish(x: relax.Expr) -> relax.Expr:
    """Hard-swish of a tensor, in the normal form's spelling."""
    return relax.op.multiply(x, hsigmoid(x))


#: The ramps by their names in a workload's epilogue.
ACTIVATIONS = {
    "relu": Activation((1.0, 0.0, 0.0, math.inf), relax.op.nn.relu),
    "relu6": Activation((1.0, 0.0, 0.0, 6.0), relu6),
    "hsigmoid": Activation((1 / 6, 0.5, 0.0, 1.0), hsigmoid),
}

#: How each name of a workload's epilogue is written.
BUILDERS: dict[str, Callable[[relax.Expr], relax.Expr]] = {
    **{name: activation.build for name, activation in ACTIVATIONS.items()},
    "hswish": hswish,
}


@dataclass(frozen=True)
class Found:
    """An activation found in a dataflow.

    Parameters
    ----------
    name
        Its name in a workload's epilogue.
    source, result
        The variables that hold its operand and its value.
    inner
        The variables between them.
    """

    name: str
    source: relax.Var
    result: relax.Var
    inner: frozenset[relax.Var] = frozenset()

    def owns_source(self, flow: Dataflow) -> bool:
        """Whether nothing but this activation reads its source or what is between."""
        mine = self.inner | {self.result}
        return all(reader in mine for var in (self.source, *self.inner) for reader in flow.readers[var])


def find_activations(flow: Dataflow) -> dict[relax.Var, Found]:
    """Every activation in the normal form's spelling, by the variable that holds its value."""
    found: dict[relax.Var, Found] = {}
    for var in flow.definitions:
        activation = _single(var, flow) or _hsigmoid(var, flow) or _hswish(var, flow, found)
        if activation is not None:
            found[var] = activation
    return found


def _single(var: relax.Var, flow: Dataflow) -> Found | None:
    value = flow.definitions[var]
    if operator(value) == "nn.relu":
        return _found("relu", value.args[0], var)
    if operator(value) == "clip" and (number(value.args[1]), number(value.args[2])) == (0, 6):
        return _found("relu6", value.args[0], var)
    return None


def _hsigmoid(var: relax.Var, flow: Dataflow) -> Found | None:
    clip = flow.definitions[var]
    if operator(clip) != "clip" or (number(clip.args[1]), number(clip.args[2])) != (0, 1):
        return None
    plus = flow.value(clip.args[0])
    if operator(plus) != "add" or number(plus.args[1]) != 0.5:
        return None
    times = flow.value(plus.args[0])
    sixth = number(relax.const(1 / 6, dtype(var)))
    if operator(times) != "multiply" or number(times.args[1]) != sixth:
        return None
    return _found("hsigmoid", times.args[0], var, frozenset([clip.args[0], plus.args[0]]))


def _hswish(var: relax.Var, flow: Dataflow, found: dict[relax.Var, Found]) -> Found | None:
    product = flow.definitions[var]
    if operator(product) != "multiply" or not isinstance(product.args[1], relax.Var):
        return None
    gate = found.get(product.args[1])
    if gate is None or gate.name != "hsigmoid" or gate.source != product.args[0]:
        return None
    return _found("hswish", gate.source, var, gate.inner | {gate.result})


def _found(name: str, source: relax.Expr, result: relax.Var, inner: frozenset[relax.Var] = frozenset()) -> Found | None:
    return Found(name, source, result, inner) if isinstance(source, relax.Var) else None
