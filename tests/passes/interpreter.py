"""Runs a module's ``main`` with PyTorch, operator by operator: the oracle of every pass.

TVM's virtual machine takes seconds to build what this runs at once, and shares its code with what is tested.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

from tvm_mnv3.compat import Call, GenericConst, IRModule, relax
from tvm_mnv3.passes.dataflow import number, operator, shape

Value = torch.Tensor | tuple["Value", ...]


def run(module: IRModule, *inputs: np.ndarray) -> list[np.ndarray]:
    """What ``main`` returns: a tensor, or the fields of a tuple."""
    result = _run(module, module["main"], [torch.from_numpy(np.asarray(x)) for x in inputs])
    return [r.numpy() for r in (result if isinstance(result, tuple) else (result,))]


def _run(module: IRModule, function: relax.Function, arguments: list[Value]) -> Value:
    values: dict[relax.Var, Value] = dict(zip(function.params, arguments, strict=True))

    def value_of(expr: relax.Expr) -> Value:
        if isinstance(expr, relax.Var):
            return values[expr]
        if isinstance(expr, GenericConst):
            return torch.from_numpy(expr.value.numpy().copy())
        if isinstance(expr, relax.Tuple):
            return tuple(value_of(field) for field in expr.fields)
        if isinstance(expr, relax.TupleGetItem):
            return value_of(expr.tuple_value)[expr.index]
        assert isinstance(expr, Call), expr
        operands = [value_of(arg) for arg in expr.args if isinstance(arg.ty, relax.TensorType | relax.TupleType)]
        if isinstance(expr.op, relax.GlobalVar):
            return _run(module, module[expr.op], operands)
        return _OPERATORS[operator(expr)](expr, *operands)

    for block in function.body.blocks:
        for binding in block.bindings:
            values[binding.var] = value_of(binding.value)
    return value_of(function.body.body)


def _ints(values: object) -> list[int]:
    return [int(value) for value in values]


def _margins(padding: list[int]) -> tuple[int, int, int, int]:
    top, left, bottom, right = padding
    return left, right, top, bottom


def _conv2d(call: Call, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    attrs = call.attrs
    if attrs.data_layout == "NHWC":
        x = x.permute(0, 3, 1, 2)
    if attrs.kernel_layout == "OHWI":
        weight = weight.permute(0, 3, 1, 2)
    y = functional.conv2d(
        functional.pad(x, _margins(_ints(attrs.padding))),
        weight,
        stride=_ints(attrs.strides),
        dilation=_ints(attrs.dilation),
        groups=int(attrs.groups),
    )
    return y.permute(0, 2, 3, 1) if attrs.out_layout == "NHWC" else y


def _avg_pool2d(call: Call, x: torch.Tensor) -> torch.Tensor:
    attrs = call.attrs
    assert not any(_ints(attrs.padding))
    is_nhwc = attrs.layout == "NHWC"
    y = functional.avg_pool2d(x.permute(0, 3, 1, 2) if is_nhwc else x, _ints(attrs.pool_size), _ints(attrs.strides))
    return y.permute(0, 2, 3, 1) if is_nhwc else y


def _resize2d(call: Call, x: torch.Tensor) -> torch.Tensor:
    attrs = call.attrs
    assert (attrs.method, attrs.coordinate_transformation_mode) == ("linear", "align_corners")
    is_nhwc = attrs.layout == "NHWC"
    x = x.permute(0, 3, 1, 2) if is_nhwc else x
    y = functional.interpolate(x, _ints(call.args[1].values), mode="bilinear", align_corners=True)
    return y.permute(0, 2, 3, 1) if is_nhwc else y


def _batch_norm(call: Call, x: torch.Tensor, *parameters: torch.Tensor) -> tuple[torch.Tensor, ...]:
    gamma, beta, mean, variance = parameters
    return functional.batch_norm(x, mean, variance, gamma, beta, eps=float(call.attrs.epsilon)), mean, variance


def _pad(call: Call, x: torch.Tensor) -> torch.Tensor:
    widths = _ints(call.attrs.pad_width)
    pairs = [widths[axis : axis + 2] for axis in range(0, len(widths), 2)]
    return functional.pad(x, [width for pair in reversed(pairs) for width in pair], value=float(call.attrs.pad_value))


def _permute(call: Call, x: torch.Tensor) -> torch.Tensor:
    return x.permute(_ints(call.attrs.axes) if call.attrs.axes is not None else list(reversed(range(x.ndim))))


def _view(call: Call, x: torch.Tensor) -> torch.Tensor:
    return x.reshape(shape(call))


_OPERATORS: dict[str, Callable[..., Value]] = {
    "add": lambda _, x, y: x + y,
    "subtract": lambda _, x, y: x - y,
    "multiply": lambda _, x, y: x * y,
    "divide": lambda _, x, y: x / y,
    "maximum": lambda _, x, y: torch.maximum(x, y),
    "minimum": lambda _, x, y: torch.minimum(x, y),
    "clip": lambda call, x: x.clamp(number(call.args[1]), number(call.args[2])),
    "sigmoid": lambda _, x: torch.sigmoid(x),
    "nn.relu": lambda _, x: torch.relu(x),
    "nn.relu6": lambda _, x: x.clamp(0, 6),
    "nn.dropout": lambda _, x: (x, torch.ones_like(x)),
    "nn.conv2d": _conv2d,
    "nn.batch_norm": _batch_norm,
    "nn.pad": _pad,
    "nn.avg_pool2d": _avg_pool2d,
    "nn.adaptive_avg_pool2d": lambda _, x: x.mean((2, 3), keepdim=True),
    "image.resize2d": _resize2d,
    "mean": lambda call, x: x.mean(_ints(call.attrs.axis), keepdim=bool(call.attrs.keepdims)),
    "argmax": lambda call, x: x.argmax(int(call.attrs.axis), keepdim=bool(call.attrs.keepdims)),
    "matmul": lambda _, x, y: x @ y,
    "permute_dims": _permute,
    "reshape": _view,
    "flatten": _view,
    "squeeze": _view,
    "expand_dims": _view,
    "concat": lambda call, fields: torch.cat(fields, int(call.attrs.axis)),
    "astype": lambda call, x: x.to(getattr(torch, str(call.ty.dtype))),
}
