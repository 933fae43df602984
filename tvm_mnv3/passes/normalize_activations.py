"""NormalizeActivations: one spelling for each of ReLU, ReLU6, hard-sigmoid and hard-swish.

Exporters spell ``hswish(x) = x * clamp(x / 6 + 1 / 2, 0, 1)`` (Searching for MobileNetV3, section 5.2) in
dozens of ways: the factor may be divided before or after the product, the clamp may be one clip, two, or a
minimum of a maximum, operands may be commuted. So they are recognised
by meaning instead of by shape: as the ramps of `tvm_mnv3.passes.ramps`. What equals an activation is written as
that activation; all else, such as a hard-sigmoid of slope 0.2, stays as it is.

Converters also fold the ``+ 3`` of a gate ``relu6(x + 3) / 6`` into the bias before it. It is taken out
again: ``clamp(y / 6, 0, 1)`` is ``hsigmoid(y - 3)``, and the bias takes the ``- 3``. And they round 1/6 to
0.16667: the gate is then ``1.00002 * hsigmoid(x)``, exactly, and FoldGateFactor gives the factor to the
weights behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.passes.activations import ACTIVATIONS, BUILDERS, find_activations
from tvm_mnv3.passes.dataflow import Dataflow, Writer, array, dtype, operator, rewrite, shape
from tvm_mnv3.passes.ramps import TOLERANCE, Gated, Meanings, Ramp, meanings

#: How far from 1 the factor of a rounded 1/6 may be: 0.16667 is 1.00002 / 6.
_ROUNDING = 1e-3


@dataclass(frozen=True)
class _Match:
    """The activation of this name in `BUILDERS`, of ``source + shift``, times a factor."""

    name: str
    source: relax.Var
    shift: float = 0.0
    factor: float = 1.0


def normalize_activations(module: IRModule) -> IRModule:
    """Write each activation of `module` in the spelling of `tvm_mnv3.passes.activations`."""
    matches = _matches(Dataflow.of(module))

    def rule(writer: Writer, var: relax.Var, _: relax.Expr) -> bool:
        match = matches.get(var)
        if match is None:
            return False
        source = _shifted(writer, match.source, match.shift) if match.shift else match.source
        activation = BUILDERS[match.name](source)
        if match.factor != 1:
            activation = relax.op.multiply(activation, relax.const(match.factor, dtype(var)))
        writer.bind(var, activation)
        return True

    return rewrite(module, rule)


def misspelt_activations(flow: Dataflow) -> list[relax.Var]:
    """The variables that hold an activation in another spelling than the normal form's."""
    spelt = find_activations(flow)
    misspelt = []
    for var, match in _matches(flow).items():
        result = var if match.factor == 1 else flow.definitions[var].args[0]
        if match.shift or result not in spelt or spelt[result].name != match.name:
            misspelt.append(var)
    return misspelt


def _matches(flow: Dataflow) -> dict[relax.Var, _Match]:
    matches = {}
    for var, found in meanings(flow).items():
        match = _match(found, flow) if found and dtype(var) in TOLERANCE else None
        if match is not None:
            matches[var] = match
    return matches


def _match(found: Meanings, flow: Dataflow) -> _Match | None:
    """The activation that one of the meanings equals, of the farthest source first."""
    hsigmoid = ACTIVATIONS["hsigmoid"].ramp
    for meaning in found:
        gate, factor = _unit(meaning.gate if isinstance(meaning, Gated) else meaning)
        if isinstance(meaning, Gated):
            if gate.equals(hsigmoid):
                return _Match("hswish", gate.source, factor=factor)
            continue
        for name, activation in ACTIVATIONS.items():
            if meaning.equals(activation.ramp):
                return _Match(name, meaning.source)
        if gate.equals(hsigmoid):
            return _Match("hsigmoid", gate.source, factor=factor)
        if replace(gate, offset=0.5).equals(hsigmoid) and _is_biased(gate.source, flow):
            return _Match("hsigmoid", gate.source, 6 * (gate.offset - 0.5), factor)
    return None


def _unit(ramp: Ramp) -> tuple[Ramp, float]:
    """A ramp up to nearly 1 as a ramp up to 1 and a factor; any other as it is."""
    if abs(ramp.high - 1) > _ROUNDING or abs(ramp.high - 1) < TOLERANCE[dtype(ramp.source)]:
        return ramp, 1.0
    return ramp.times(1 / ramp.high), ramp.high


def _is_biased(var: relax.Var, flow: Dataflow) -> bool:
    """Whether a variable is the sum of a convolution or matrix product and a bias, for which `_shifted` is free."""
    value = flow.value(var)
    if operator(value) != "add":
        return False
    has_bias = any((constant := array(arg)) is not None and constant.ndim for arg in value.args)
    return has_bias and any(operator(flow.value(arg)) in ("nn.conv2d", "matmul") for arg in value.args)


def _shifted(writer: Writer, var: relax.Var, shift: float) -> relax.Var:
    """A variable plus a number, written as one number per channel so that it is folded into the bias before."""
    channels = shape(var)[1]
    along_channels = (1, channels, 1, 1) if len(shape(var)) == 4 else (channels,)
    return writer.emit(relax.op.add(var, relax.const(np.full(along_channels, shift, dtype(var)))))
