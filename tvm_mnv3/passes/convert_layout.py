"""ConvertLayout: convolutions and what stands between them work on NHWC maps.

Relax's own ConvertLayout stops at every ``clip``, so it leaves transposes around each activation. Here each
operator that is listed below gets a channels-last twin; its NCHW value becomes a transpose of the twin, which
is swept away if nobody reads it. Transposes remain where an operator that is not listed reads or makes a map,
and at the network's boundary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tvm_mnv3.compat import Call, IRModule, relax
from tvm_mnv3.passes.dataflow import Writer, array, dtype, operator, rewrite, shape

TO_NHWC = (0, 2, 3, 1)
TO_NCHW = (0, 3, 1, 2)
#: The NHWC axis of each NCHW axis.
_AXIS = (0, 3, 1, 2)

_ELEMENTWISE = frozenset(
    [
        *("abs", "add", "astype", "clip", "divide", "erf", "exp", "log", "maximum", "minimum", "multiply", "negative"),
        *("nn.gelu", "nn.leakyrelu", "nn.relu", "nn.relu6", "nn.silu", "power", "round", "rsqrt", "sigmoid", "sqrt"),
        *("square", "subtract", "tanh"),
    ]
)
_REDUCTIONS = frozenset(["max", "mean", "min", "sum", "argmax", "argmin"])
_POOLS = {"nn.avg_pool2d": relax.op.nn.avg_pool2d, "nn.max_pool2d": relax.op.nn.max_pool2d}
#: The operators with a layout of their own, which get NHWC; whatever else is converted follows them.
LAYOUT_OPERATORS = frozenset(["nn.conv2d", "image.resize2d", *_POOLS])


def convert_layout(module: IRModule) -> IRModule:
    """Give every convolution and pooling, and what depends on them element by element, the NHWC layout."""
    return rewrite(module, _Converter())


def has_nhwc_form(value: relax.Expr) -> bool:
    """Whether an expression is a convolution, pooling or resize of an NCHW map, which `convert_layout` converts."""
    name = operator(value)
    if name == "nn.conv2d":
        return (value.attrs.data_layout, value.attrs.kernel_layout, value.attrs.out_layout) == ("NCHW", "OIHW", "NCHW")
    return name in LAYOUT_OPERATORS and value.attrs.layout == "NCHW"


class _Converter:
    """Writes channels-last twins; `_twins` has the NHWC variable of each NCHW variable that has one."""

    def __init__(self) -> None:
        self._twins: dict[relax.Var, relax.Var] = {}

    def __call__(self, writer: Writer, var: relax.Var, value: relax.Expr) -> bool:
        convert = self._conversion(value)
        twin = convert(writer, value) if convert else None
        if twin is None:
            return False
        if shape(twin := writer.emit(twin)) == shape(var) and len(shape(var)) != 4:
            writer.bind(var, twin)
        else:
            self._twins[var] = twin
            writer.bind(var, relax.op.permute_dims(twin, TO_NCHW))
        return True

    def _conversion(self, value: relax.Expr) -> Callable[[Writer, Call], relax.Expr | None] | None:
        name = operator(value)
        if has_nhwc_form(value):
            return self._convolution if name == "nn.conv2d" else self._pool if name in _POOLS else self._resize
        if not any(arg in self._twins for arg in _tensors(value)):
            return None
        if name in _ELEMENTWISE:
            return self._elementwise
        if name in _REDUCTIONS:
            return self._reduction
        return self._concat if name == "concat" else None

    def _twin(self, writer: Writer, expr: relax.Expr) -> relax.Expr:
        """The NHWC twin of a 4-D operand."""
        if isinstance(expr, relax.Var):
            if expr not in self._twins:
                self._twins[expr] = writer.emit(relax.op.permute_dims(expr, TO_NHWC))
            return self._twins[expr]
        return relax.const(np.ascontiguousarray(array(expr).transpose(TO_NHWC)))  # type: ignore[union-attr]

    def _convolution(self, writer: Writer, call: Call) -> relax.Expr | None:
        attrs = call.attrs
        return relax.op.nn.conv2d(
            self._twin(writer, call.args[0]),
            self._twin(writer, call.args[1]),
            strides=list(attrs.strides),
            padding=list(attrs.padding),
            dilation=list(attrs.dilation),
            groups=int(attrs.groups),
            data_layout="NHWC",
            kernel_layout="OHWI",
            out_layout="NHWC",
            out_dtype=dtype(call),
        )

    def _pool(self, writer: Writer, call: Call) -> relax.Expr | None:
        attrs = call.attrs
        return _POOLS[operator(call)](
            self._twin(writer, call.args[0]),
            pool_size=list(attrs.pool_size),
            strides=list(attrs.strides),
            padding=list(attrs.padding),
            dilation=list(attrs.dilation),
            ceil_mode=bool(attrs.ceil_mode),
            count_include_pad=bool(attrs.count_include_pad),
            layout="NHWC",
        )

    def _resize(self, writer: Writer, call: Call) -> relax.Expr | None:
        attrs = call.attrs
        return relax.op.image.resize2d(
            self._twin(writer, call.args[0]),
            call.args[1],
            roi=[float(edge) for edge in attrs.roi],
            layout="NHWC",
            method=attrs.method,
            coordinate_transformation_mode=attrs.coordinate_transformation_mode,
            rounding_method=attrs.rounding_method,
            cubic_alpha=float(attrs.cubic_alpha),
            cubic_exclude=int(attrs.cubic_exclude),
            extrapolation_value=float(attrs.extrapolation_value),
            out_dtype=dtype(call),
        )

    def _elementwise(self, writer: Writer, call: Call) -> relax.Expr | None:
        operands = []
        for arg in call.args:
            if not isinstance(arg.ty, relax.TensorType) or len(shape(arg)) == 0:
                operands.append(arg)
            elif len(shape(arg)) == 4:
                operands.append(self._twin(writer, arg))
            elif (constant := array(arg)) is not None:
                whole = constant.reshape((1,) * (4 - constant.ndim) + constant.shape)
                operands.append(relax.const(np.ascontiguousarray(whole.transpose(TO_NHWC))))
            else:
                return None
        return Call(call.op, operands, call.attrs)

    def _reduction(self, writer: Writer, call: Call) -> relax.Expr | None:
        attrs = call.attrs
        if attrs.axis is None:
            return None
        is_index = operator(call).startswith("arg")
        axes = [int(axis) % 4 for axis in ([attrs.axis] if is_index else attrs.axis)]
        if not attrs.keepdims and axes != [1] and sorted(axes) != [2, 3]:
            return None
        converted = sorted(_AXIS[axis] for axis in axes)
        reduce = getattr(relax.op, operator(call))
        return reduce(
            self._twin(writer, call.args[0]),
            converted[0] if is_index else converted,
            keepdims=bool(attrs.keepdims),
        )

    def _concat(self, writer: Writer, call: Call) -> relax.Expr | None:
        fields: Sequence[relax.Expr] = _tensors(call)
        if call.attrs.axis is None or any(len(shape(field)) != 4 for field in fields):
            return None
        return relax.op.concat([self._twin(writer, field) for field in fields], _AXIS[int(call.attrs.axis) % 4])


def _tensors(value: relax.Expr) -> list[relax.Expr]:
    """The tensor operands of a call, those of a tuple among them."""
    if not isinstance(value, Call):
        return []
    return [
        tensor
        for arg in value.args
        for tensor in (arg.fields if isinstance(arg, relax.Tuple) else [arg])
        if isinstance(tensor.ty, relax.TensorType)
    ]
