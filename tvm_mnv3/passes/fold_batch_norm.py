"""FoldBatchNorm: a batch norm becomes part of the convolution before it.

Done in two steps, so that a scale and a shift which were written by hand go the same way: ``batch_norm(x)``
becomes ``x * scale + shift`` with constants per channel, and constants per channel after a convolution or a
matrix product are multiplied into its weights and gathered in one bias.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tvm_mnv3.compat import Call, IRModule, relax
from tvm_mnv3.passes.dataflow import Dataflow, Writer, array, dtype, operator, rewrite, shape


def decompose_batch_norm(module: IRModule) -> IRModule:
    """Write every inference batch norm as a multiplication and an addition by constants per channel."""
    flow = Dataflow.of(module)

    def rule(writer: Writer, var: relax.Var, value: relax.Expr) -> bool:
        if not isinstance(value, relax.TupleGetItem) or value.index != 0:
            return False
        norm = flow.value(value.tuple_value)
        if operator(norm) != "nn.batch_norm" or any(array(arg) is None for arg in norm.args[1:]):
            return False
        scale, shift = _scale_and_shift(norm)
        writer.bind(var, relax.op.add(relax.op.multiply(norm.args[0], relax.const(scale)), relax.const(shift)))
        return True

    return rewrite(module, rule)


def fold_scale_and_shift(module: IRModule) -> IRModule:
    """Fold constants per channel after a convolution or matrix product into its weights and one bias.

    A scalar stays where it is: it belongs to an activation more often than to the convolution.
    """
    flow = Dataflow.of(module)
    affines = {}
    for var, value in flow.definitions.items():
        affine = _affine_after(var, value, flow)
        if affine is not None:
            affines[affine.last] = affine

    def rule(writer: Writer, var: relax.Var, _: relax.Expr) -> bool:
        if var in affines:
            writer.bind(var, affines[var].rewritten())
        return var in affines

    return rewrite(module, rule)


@dataclass(frozen=True)
class _Affine:
    """``producer(data, weight) * scale + shift``, ending in the variable `last`; both float64 of shape [O].

    A shift of None is no bias. One that happens to be all zeros is a bias: which kernels a network has must not depend
    on the values of its weights.
    """

    producer: Call
    scale: np.ndarray
    shift: np.ndarray | None
    last: relax.Var

    def then(self, scale: np.ndarray, shift: np.ndarray | None, last: relax.Var) -> _Affine:
        """This, multiplied by `scale`, plus `shift`."""
        shifts = [self.shift * scale] if self.shift is not None else []
        shifts += [shift] if shift is not None else []
        return _Affine(self.producer, self.scale * scale, sum(shifts) if shifts else None, last)

    def rewritten(self) -> relax.Expr:
        kind = dtype(self.producer)
        weight = array(self.producer.args[1])
        assert weight is not None
        along_output = (-1, 1, 1, 1) if operator(self.producer) == "nn.conv2d" else (1, -1)
        scaled = (weight.astype(np.float64) * self.scale.reshape(along_output)).astype(kind)
        call = Call(self.producer.op, [self.producer.args[0], relax.const(scaled)], self.producer.attrs)
        if self.shift is None:
            return call
        along_channels = (1, -1, 1, 1) if operator(self.producer) == "nn.conv2d" else (-1,)
        return relax.op.add(call, relax.const(self.shift.astype(kind).reshape(along_channels)))


def _affine_after(var: relax.Var, value: relax.Expr, flow: Dataflow) -> _Affine | None:
    name = operator(value)
    if name not in ("nn.conv2d", "matmul") or array(value.args[1]) is None:
        return None
    axis = 1 if name == "nn.conv2d" else -1
    if name == "nn.conv2d" and (value.attrs.out_layout, value.attrs.kernel_layout) != ("NCHW", "OIHW"):
        return None
    if name == "matmul" and len(shape(value.args[1])) != 2:
        return None
    channels = shape(value)[axis]
    affine = _Affine(value, np.ones(channels), None, var)
    while (reader := flow.only_reader(affine.last)) is not None:
        step = _step(flow.definitions[reader], affine.last, channels, axis)
        if step is None:
            break
        affine = affine.then(*step, reader)
    return None if affine.last == var or _is_bias_alone(affine, var, flow) else affine


def _is_bias_alone(affine: _Affine, var: relax.Var, flow: Dataflow) -> bool:
    """Whether one bias, the second operand of an addition, is all there is to fold."""
    last = flow.definitions[affine.last]
    return operator(last) == "add" and last.args[0] == var and len(shape(last.args[1])) in (1, 4)


def _step(
    value: relax.Expr, source: relax.Var, channels: int, axis: int
) -> tuple[np.ndarray, np.ndarray | None] | None:
    """Scale and shift of one addition, subtraction, multiplication or division by a constant per channel."""
    name = operator(value)
    if name not in ("add", "subtract", "multiply", "divide"):
        return None
    constant_first = isinstance(value.args[1], relax.Var) and value.args[1] == source
    constant = array(value.args[0 if constant_first else 1])
    if constant is None or not _is_per_channel(constant, channels, axis, len(shape(value))):
        return None
    vector = constant.astype(np.float64).reshape(-1)
    one = np.ones(channels)
    if name == "add":
        return one, vector
    if name == "multiply":
        return vector, None
    if name == "subtract":
        return (-one, vector) if constant_first else (one, -vector)
    return None if constant_first else (1 / vector, None)


def _is_per_channel(constant: np.ndarray, channels: int, axis: int, rank: int) -> bool:
    if constant.ndim == 0 or constant.ndim > rank or constant.size != channels:
        return False
    padded = (1,) * (rank - constant.ndim) + constant.shape
    return padded[axis] == channels and (channels > 1 or constant.ndim == rank or rank == 2)


def _scale_and_shift(norm: Call) -> tuple[np.ndarray, np.ndarray]:
    """Of an inference batch norm, shaped to broadcast along its axis, in its dtype."""
    gamma, beta, mean, variance = (array(arg).astype(np.float64) for arg in norm.args[1:5])  # type: ignore[union-attr]
    attrs = norm.attrs
    scale = 1 / np.sqrt(variance + float(attrs.epsilon))
    if attrs.scale:
        scale = scale * gamma
    shift = -mean * scale
    if attrs.center:
        shift = shift + beta
    along = [1] * len(shape(norm.args[0]))
    along[int(attrs.axis)] = -1
    kind = dtype(norm.args[0])
    return scale.astype(kind).reshape(along), shift.astype(kind).reshape(along)
