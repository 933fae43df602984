"""NormalizeActivations: one spelling for each of ReLU, ReLU6, hard-sigmoid and hard-swish.

Exporters spell ``hswish(x) = x * clamp(x / 6 + 1 / 2, 0, 1)`` (Searching for MobileNetV3, section 5.2) in dozens of ways:
the factor may be divided before or after the product, the clamp may be one clip, two, or a minimum of a maximum,
operands may be commuted. So they are recognised by meaning instead of by shape. Every chain of additions,
multiplications, divisions and clamps by constants is a *ramp* ``clamp(slope * x + offset, low, high)`` of each value
along that chain, and the product of two ramps of the same ``x``, one of which is ``factor * x``, is a *gated* value.
What equals an activation is written as that activation; all else, such as a hard-sigmoid of slope 0.2, stays as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.passes.activations import ACTIVATIONS, hswish
from tvm_mnv3.passes.dataflow import Dataflow, Writer, dtype, number, operator, rewrite, shape

#: Relative error of a constant that still counts as 1/6 or 1/2 in the dtype.
_TOLERANCE = {"float32": 1e-5, "float16": 1e-3}


@dataclass(frozen=True)
class _Ramp:
    """``clamp(slope * source + offset, low, high)``, with a slope above zero."""

    source: relax.Var
    slope: float = 1.0
    offset: float = 0.0
    low: float = -math.inf
    high: float = math.inf

    def plus(self, value: float) -> _Ramp:
        return replace(self, offset=self.offset + value, low=self.low + value, high=self.high + value)

    def times(self, value: float) -> _Ramp:
        return replace(
            self,
            slope=self.slope * value,
            offset=self.offset * value,
            low=self.low * value,
            high=self.high * value,
        )

    def clamped(self, low: float, high: float) -> _Ramp:
        return replace(self, low=min(max(self.low, low), high), high=max(min(self.high, high), low))

    @property
    def is_factor(self) -> bool:
        return self.offset == 0 and self.low == -math.inf and self.high == math.inf

    def equals(self, other: tuple[float, float, float, float], tolerance: float) -> bool:
        mine = (self.slope, self.offset, self.low, self.high)
        return all(math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance) for a, b in zip(mine, other))


@dataclass(frozen=True)
class _Gated:
    """``source * gate``, where the gate is a ramp of that same source."""

    gate: _Ramp

    def times(self, value: float) -> _Gated:
        return _Gated(self.gate.times(value))


_Meanings = tuple["_Ramp | _Gated", ...]


def normalize_activations(module: IRModule) -> IRModule:
    """Write each activation of `module` in the spelling of `tvm_mnv3.passes.activations`."""
    flow = Dataflow.of(module)
    meanings: dict[relax.Var, _Meanings] = {}
    activations: dict[relax.Var, relax.Expr] = {}
    for var, value in flow.definitions.items():
        meanings[var] = _meanings_of(value, meanings)
        activation = _activation(meanings[var], _TOLERANCE.get(dtype(var), 0) if shape(var) else 0)
        if activation is not None:
            activations[var] = activation

    def rule(writer: Writer, var: relax.Var, _: relax.Expr) -> bool:
        if var in activations:
            writer.bind(var, activations[var])
        return var in activations

    return rewrite(module, rule)


def _activation(meanings: _Meanings, tolerance: float) -> relax.Expr | None:
    """The activation that one of the meanings equals, the one of the farthest source first."""
    if not tolerance:
        return None
    for meaning in meanings:
        if isinstance(meaning, _Gated):
            if meaning.gate.equals(ACTIVATIONS["hsigmoid"].ramp, tolerance):
                return hswish(meaning.gate.source)
            continue
        for activation in ACTIVATIONS.values():
            if meaning.equals(activation.ramp, tolerance):
                return activation.build(meaning.source)
    return None


def _meanings_of(value: relax.Expr, known: dict[relax.Var, _Meanings]) -> _Meanings:
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


def _with_constant(name: str, operand: relax.Expr, value: float, known: dict[relax.Var, _Meanings]) -> _Meanings:
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
    gated = tuple(m for m in known.get(operand, ()) if isinstance(m, _Gated))
    return tuple(m.times(factor) for m in (*gated, *ramps))


def _product(left: relax.Expr, right: relax.Expr, known: dict[relax.Var, _Meanings]) -> _Meanings:
    """The gated values that a product is: either side may be the gate."""
    return tuple(
        _Gated(gate.times(factor.slope))
        for factors, gates in ((left, right), (right, left))
        for factor in _ramps(factors, known)
        for gate in _ramps(gates, known)
        if factor.is_factor and factor.source == gate.source and not gate.is_factor
    )


def _ramps(expr: relax.Expr, known: dict[relax.Var, _Meanings]) -> tuple[_Ramp, ...]:
    """What an operand is as a function of each variable along its chain, itself last."""
    if not isinstance(expr, relax.Var):
        return ()
    return (*(m for m in known.get(expr, ()) if isinstance(m, _Ramp)), _Ramp(expr))
