"""Ramps: what a chain of additions, multiplications, divisions and clamps by constants amounts to.

Every value along such a chain is a *ramp* ``clamp(slope * x + offset, low, high)`` of each earlier value
``x`` on it, and the product of two ramps of the same ``x``, one of which is ``factor * x``, is a *gated*
value. However a chain is spelt, its ramps are the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from tvm_mnv3.compat import relax
from tvm_mnv3.passes.dataflow import Dataflow, dtype, number, operator, shape

#: By dtype, the relative error with which two ramps still count as equal.
TOLERANCE = {"float32": 1e-6, "float16": 1e-3}


@dataclass(frozen=True)
class Ramp:
    """``clamp(slope * source + offset, low, high)``, with a slope above zero."""

    source: relax.Var
    slope: float = 1.0
    offset: float = 0.0
    low: float = -math.inf
    high: float = math.inf

    def plus(self, value: float) -> Ramp:
        """This plus a number."""
        return replace(self, offset=self.offset + value, low=self.low + value, high=self.high + value)

    def times(self, value: float) -> Ramp:
        """This times a number above zero."""
        return replace(
            self,
            slope=self.slope * value,
            offset=self.offset * value,
            low=self.low * value,
            high=self.high * value,
        )

    def clamped(self, low: float, high: float) -> Ramp:
        """This, clamped."""
        return replace(self, low=min(max(self.low, low), high), high=max(min(self.high, high), low))

    @property
    def is_factor(self) -> bool:
        """Whether it is ``slope * source`` and no more."""
        return self.offset == 0 and self.low == -math.inf and self.high == math.inf

    def equals(self, other: tuple[float, float, float, float]) -> bool:
        """Whether its slope, offset, low and high are these, but for rounding."""
        tolerance = TOLERANCE[dtype(self.source)]
        mine = (self.slope, self.offset, self.low, self.high)
        return all(math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance) for a, b in zip(mine, other, strict=True))


@dataclass(frozen=True)
class Gated:
    """``source * gate``, where the gate is a ramp of that same source."""

    gate: Ramp

    def times(self, value: float) -> Gated:
        """This times a number above zero."""
        return Gated(self.gate.times(value))


#: What a value is, as a function of each variable along its chain, the farthest first.
Meanings = tuple["Ramp | Gated", ...]


def meanings(flow: Dataflow) -> dict[relax.Var, Meanings]:
    """The meanings of every variable of a dataflow; none for what no chain ends in."""
    known: dict[relax.Var, Meanings] = {}
    for var, value in flow.definitions.items():
        known[var] = _meanings_of(value, known)
    return known


def _meanings_of(value: relax.Expr, known: dict[relax.Var, Meanings]) -> Meanings:
    """Of a definition, as a function of each variable along its chain, the farthest first."""
    name = operator(value)
    if name == "nn.relu":
        return tuple(r.clamped(0, math.inf) for r in _ramps(value.args[0], known))
    if name == "nn.relu6":
        return tuple(r.clamped(0, 6) for r in _ramps(value.args[0], known))
    if name == "clip":
        bounds = number(value.args[1]), number(value.args[2])
        if None in bounds:
            return ()
        return tuple(r.clamped(*bounds) for r in _ramps(value.args[0], known))  # type: ignore[arg-type]
    if name not in ("add", "subtract", "multiply", "divide", "maximum", "minimum"):
        return ()
    left, right = value.args
    if shape(left) == shape(value) and (constant := number(right)) is not None:
        return _with_constant(name, left, constant, known)
    if shape(right) == shape(value) and (constant := number(left)) is not None and name not in ("subtract", "divide"):
        return _with_constant(name, right, constant, known)
    if name == "multiply" and shape(left) == shape(right):
        return _product(left, right, known)
    return ()


def _with_constant(name: str, operand: relax.Expr, value: float, known: dict[relax.Var, Meanings]) -> Meanings:
    ramps = _ramps(operand, known)
    if name in ("add", "subtract"):
        return tuple(r.plus(value if name == "add" else -value) for r in ramps)
    if name == "maximum":
        return tuple(r.clamped(value, math.inf) for r in ramps)
    if name == "minimum":
        return tuple(r.clamped(-math.inf, value) for r in ramps)
    if not value > 0:
        return ()
    factor = value if name == "multiply" else 1 / value
    gated = (m for m in known.get(operand, ()) if isinstance(m, Gated))
    return (*(m.times(factor) for m in gated), *(r.times(factor) for r in ramps))


def _product(left: relax.Expr, right: relax.Expr, known: dict[relax.Var, Meanings]) -> Meanings:
    """The gated values that a product is: either side may be the gate."""
    return tuple(
        Gated(gate.times(factor.slope))
        for factors, gates in ((left, right), (right, left))
        for factor in _ramps(factors, known)
        for gate in _ramps(gates, known)
        if factor.is_factor and factor.source == gate.source and not gate.is_factor
    )


def _ramps(expr: relax.Expr, known: dict[relax.Var, Meanings]) -> tuple[Ramp, ...]:
    """What an operand is as a function of each variable along its chain, itself last."""
    if not isinstance(expr, relax.Var):
        return ()
    return (*(m for m in known.get(expr, ()) if isinstance(m, Ramp)), Ramp(expr))
