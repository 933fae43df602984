"""Convolutions and matrix products as they stand in a channels-last ``main``, each with its bias."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tvm_mnv3.compat import Call, relax
from tvm_mnv3.passes.dataflow import Dataflow, array, dtype, operator, shape
from tvm_mnv3.workload import DTYPES, Workload


@dataclass(frozen=True)
class Linear:
    """A convolution or matrix product for which there is a workload, and the bias added to it.

    Parameters
    ----------
    workload
        Without prologue; the epilogue is the bias, if there is one.
    data
        Its operand.
    weight, bias
        In the layout of the workload's composite function; `bias` None without one.
    result
        The variable that holds the sum.
    """

    workload: Workload
    data: relax.Expr
    weight: np.ndarray
    bias: np.ndarray | None
    result: relax.Var


def linear_at(var: relax.Var, flow: Dataflow) -> Linear | None:
    """The convolution or matrix product that a variable is bound to; None if it is none that has a workload."""
    value = flow.definitions[var]
    name = operator(value)
    if name not in ("nn.conv2d", "matmul") or dtype(value) not in DTYPES:
        return None
    if any(dtype(arg) != dtype(value) for arg in value.args) or (weight := array(value.args[1])) is None:
        return None
    if name == "matmul":
        workload, weight = _dense(value), weight.T
    else:
        workload = _convolution(value)
    if workload is None:
        return None
    bias, result = _bias_after(var, workload.out_channels, flow)
    if bias is not None:
        workload = with_epilogue(workload, "bias")
    return Linear(workload, value.args[0], weight, bias, result)


def with_epilogue(workload: Workload, *steps: str) -> Workload:
    """A workload with more steps at the end of its epilogue."""
    return replace(workload, epilogue=(*workload.epilogue, *steps))


def _dense(matmul: Call) -> Workload | None:
    data, weight = shape(matmul.args[0]), shape(matmul.args[1])
    if len(data) != 2 or len(weight) != 2:
        return None
    return Workload("dense", weight[0], weight[1], batch=data[0], dtype=dtype(matmul))


def _convolution(call: Call) -> Workload | None:
    attrs = call.attrs
    if (attrs.data_layout, attrs.kernel_layout, attrs.out_layout) != ("NHWC", "OHWI", "NHWC"):
        return None
    batch, height, width, channels = shape(call.args[0])
    out_channels, kernel, kernel_width, _ = shape(call.args[1])
    strides, padding, groups = _ints(attrs.strides), _ints(attrs.padding), int(attrs.groups)
    if kernel != kernel_width or len(set(strides)) != 1 or set(_ints(attrs.dilation)) != {1}:
        return None
    is_depthwise = groups == channels == out_channels and groups > 1
    if groups != 1 and not is_depthwise:
        return None
    is_pointwise = not is_depthwise and kernel == strides[0] == 1 and not any(padding)
    if is_pointwise:
        name = "dense" if height == width == 1 else "pointwise"
    else:
        name = "depthwise" if is_depthwise else "conv"
    return Workload(
        name,
        channels,
        out_channels,
        batch=batch,
        height=height,
        width=width,
        kernel=kernel,
        stride=strides[0],
        padding=(padding[0], padding[1], padding[2], padding[3]),
        dtype=dtype(call),
    )


def _bias_after(var: relax.Var, channels: int, flow: Dataflow) -> tuple[np.ndarray | None, relax.Var]:
    """The bias that is added to a variable, and the variable that holds the sum."""
    reader = flow.only_reader(var)
    if reader is None or operator(plus := flow.definitions[reader]) != "add":
        return None, var
    for operand in plus.args:
        bias = array(operand)
        if bias is not None and bias.ndim > 0 and bias.size == bias.shape[-1] == channels:
            return bias.reshape(-1), reader
    return None, var


def _ints(values: object) -> tuple[int, ...]:
    return tuple(int(value) for value in values)  # type: ignore[attr-defined]
