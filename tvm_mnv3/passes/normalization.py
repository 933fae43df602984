"""What a network does to its input before the first convolution: a factor and an offset per channel.

Exported networks spell it as sums and products with constants (``x * 2 - 1``), or have it put before them by
`tvm_mnv3.passes.take_pixels`. A convolution's kernel does it while it reads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tvm_mnv3.compat import relax
from tvm_mnv3.passes.convert_layout import TO_NCHW, TO_NHWC
from tvm_mnv3.passes.dataflow import Dataflow, array, dtype, operator, shape


@dataclass(frozen=True)
class Normalization:
    """``x * factor + offset``, per channel.

    Parameters
    ----------
    source
        The network's input that it is applied to.
    layout
        Of the source, as a `Workload` has it: ``nchw``, ``nhwc`` or ``pixels``.
    factor, offset
        float32, shape ``(C,)``.
    """

    source: relax.Var
    layout: str
    factor: np.ndarray
    offset: np.ndarray


def normalization_before(data: relax.Expr, flow: Dataflow) -> Normalization | None:
    """What lies between a network's input and a convolution's NHWC data; None if that is more, or nothing at all."""
    factor, offset = np.ones(1), np.zeros(1)
    axis, is_changed = _NHWC_CHANNELS, False
    while data not in flow.parameters:
        if flow.only_reader(data) is None:
            return None
        value = flow.value(data)
        if operator(value) == "permute_dims" and tuple(value.attrs.axes) in _TRANSPOSED:
            axis, data = _TRANSPOSED[tuple(value.attrs.axes)], value.args[0]
        elif operator(value) == "astype" and dtype(value.args[0]) == "uint8":
            is_changed, data = True, value.args[0]
        elif (step := _step(value, axis)) is not None:
            is_changed, data = True, step.data
            factor, offset = factor * step.factor, offset + factor * step.offset
        else:
            return None
    layout = _LAYOUTS.get((dtype(data), axis))
    if not is_changed or layout is None:
        return None
    channels = shape(data)[axis]
    both = (np.broadcast_to(constant, channels).astype(np.float32) for constant in (factor, offset))
    return Normalization(data, layout, *both)


#: Where the channels are, from the last axis on, as constants are broadcast.
_NHWC_CHANNELS, _NCHW_CHANNELS = -1, -3
#: By the axes of a transpose, where the channels of its operand are.
_TRANSPOSED = {TO_NHWC: _NCHW_CHANNELS, TO_NCHW: _NHWC_CHANNELS}
_LAYOUTS = {
    ("float32", _NHWC_CHANNELS): "nhwc",
    ("float32", _NCHW_CHANNELS): "nchw",
    ("uint8", _NHWC_CHANNELS): "pixels",
}


@dataclass(frozen=True)
class _Step:
    """``data * factor + offset``; of a number for all channels, or one for each."""

    data: relax.Expr
    factor: np.ndarray
    offset: np.ndarray


def _step(value: relax.Expr, axis: int) -> _Step | None:
    """A sum or product with constants per channel; None for anything else."""
    name = operator(value)
    if name not in ("add", "subtract", "multiply", "divide"):
        return None
    data, operand = value.args
    if array(data) is not None and name in ("add", "multiply"):
        data, operand = operand, data
    constant = array(operand)
    if constant is None or shape(data) != shape(value):
        return None
    if constant.size > 1 and (constant.ndim < -axis or constant.shape[axis] != constant.size):
        return None
    numbers, one, zero = constant.reshape(-1).astype(np.float64), np.ones(1), np.zeros(1)
    if name in ("add", "subtract"):
        return _Step(data, one, numbers if name == "add" else -numbers)
    return _Step(data, numbers if name == "multiply" else one / numbers, zero)
