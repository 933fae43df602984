"""A workload as TVM itself would be given it: a tensor expression without a schedule, which the generated space starts
from.

Activations and outputs are laid out as in the templates; weights have their output channels last, so that vectors of
them can be read: ``(k, k, I, O)``, ``(I, O)``, depthwise ``(k, k, C)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tvm_mnv3.compat import Expr, te, tirx
from tvm_mnv3.passes.composite import operand_dtype, operands
from tvm_mnv3.schedules.epilogue import activate
from tvm_mnv3.schedules.template import ACTIVATION_OPERANDS, Array
from tvm_mnv3.workload import Workload

#: Raised when a trace of an older one would make another kernel.
PLAIN_VERSION = 1

Tensors = Mapping[str, Any]


def plain_function(workload: Workload) -> tirx.PrimFunc:
    """The unscheduled kernel; its buffers are activations, weights by role, outputs."""
    given = {
        role: te.placeholder(_weight_shape(role, shape), operand_dtype(workload, role), name=role)
        for role, shape in _ordered(workload).items()
    }
    build: dict[str, Callable[[Workload, Tensors], list[Any]]] = {
        "pointwise": _pointwise,
        "dense": _dense,
        "conv": _window,
        "depthwise": _window,
        "se": _squeeze_excite,
        "pool": lambda w, t: [_mean(w, t["data"], w.height, w.width)],
    }
    outputs = build[workload.operator](workload, given)
    return te.create_prim_func([*given.values(), *outputs]).with_attr("global_symbol", "main")


def plain_weights(weights: Mapping[str, Array], workload: Workload) -> list[Array]:
    """The weights as that kernel reads them, in its order."""
    roles = [role for role in _ordered(workload) if role not in ACTIVATION_OPERANDS]
    return [_plain(role, weights[role]) for role in roles]


def _ordered(workload: Workload) -> dict[str, tuple[int, ...]]:
    """Operands' shapes, activations first."""
    shapes = operands(workload)
    first = [role for role in ACTIVATION_OPERANDS if role in shapes]
    return {role: shapes[role] for role in (*first, *(r for r in shapes if r not in first))}


def _plain(role: str, weight: Array) -> Array:
    if not role.startswith("weight"):
        return weight
    if weight.ndim == 4 and weight.shape[-1] == 1:  # depthwise
        return np.ascontiguousarray(weight[..., 0].transpose(1, 2, 0))
    return np.ascontiguousarray(np.moveaxis(weight, 0, -1))


def _weight_shape(role: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    return _plain(role, np.empty(shape, np.int8)).shape


def _pointwise(w: Workload, t: Tensors) -> list[Any]:
    depth = te.reduce_axis((0, w.in_channels), "depth")

    def value(n: Expr, y: Expr, x: Expr) -> Expr:
        read = t["data"](n, y, x, depth)
        return read * t["scale"](n, 0, 0, depth) if "scale" in t else read

    shape = (w.batch, w.height, w.width, w.out_channels)
    total = te.compute(
        shape,
        lambda n, y, x, o: te.sum(value(n, y, x) * t["weight"](0, 0, depth, o).astype(w.dtype), depth),
        "total",
    )
    return _finish(w, t, total)


def _dense(w: Workload, t: Tensors) -> list[Any]:
    return _finish(w, t, _matrix_product(w, t["data"], t["weight"], w.in_channels, w.out_channels, "total"))


def _matrix_product(w: Workload, data: Any, weight: Any, depth: int, width: int, name: str) -> Any:
    k = te.reduce_axis((0, depth), "depth")
    return te.compute(
        (w.batch, width),
        lambda n, o: te.sum(data(n, k) * weight(k, o).astype(w.dtype), k),
        name,
    )


def _window(w: Workload, t: Tensors) -> list[Any]:
    """Dense or depthwise convolution over a padded copy of the input."""
    top, left, bottom, right = w.padding
    nchw, zero = w.layout == "nchw", tirx.const(0.0, w.dtype)

    def read(n: Expr, y: Expr, x: Expr, c: Expr) -> Expr:
        row, col = y - top, x - left
        inside = tirx.all(row >= 0, row < w.height, col >= 0, col < w.width)
        value = t["data"](*((n, c, row, col) if nchw else (n, row, col, c))).astype(w.dtype)
        if "factor" in t:
            value = value * t["factor"](c) + t["offset"](c)
        return tirx.if_then_else(inside, value, zero)

    padded = te.compute((w.batch, w.height + top + bottom, w.width + left + right, w.in_channels), read, "padded")
    dy, dx = te.reduce_axis((0, w.kernel), "dy"), te.reduce_axis((0, w.kernel), "dx")
    shape = (w.batch, w.out_height, w.out_width, w.out_channels)
    if w.operator == "depthwise":

        def tap(n: Expr, y: Expr, x: Expr, c: Expr) -> Expr:
            read = padded(n, y * w.stride + dy, x * w.stride + dx, c)
            return te.sum(read * t["weight"](dy, dx, c).astype(w.dtype), [dy, dx])

        return _finish(w, t, te.compute(shape, tap, "total"))
    ci = te.reduce_axis((0, w.in_channels), "ci")

    def product(n: Expr, y: Expr, x: Expr, o: Expr) -> Expr:
        read = padded(n, y * w.stride + dy, x * w.stride + dx, ci)
        return te.sum(read * t["weight"](dy, dx, ci, o).astype(w.dtype), [dy, dx, ci])

    return _finish(w, t, te.compute(shape, product, "total"))


def _squeeze_excite(w: Workload, t: Tensors) -> list[Any]:
    mean = te.compute((w.batch, w.in_channels), lambda n, c: t["data"](n, 0, 0, c), "mean")
    squeezed = _matrix_product(w, mean, t["weight1"], w.in_channels, w.out_channels, "squeezed")
    hidden = te.compute(
        squeezed.shape,
        lambda n, s: activate(squeezed(n, s) + t["bias1"](s).astype(w.dtype), "relu", w.dtype),
        "hidden",
    )
    excited = _matrix_product(w, hidden, t["weight2"], w.out_channels, w.in_channels, "excited")
    shape = (w.batch, 1, 1, w.in_channels)
    return [
        te.compute(
            shape,
            lambda n, y, x, c: activate(excited(n, c) + t["bias2"](c).astype(w.dtype), "hsigmoid", w.dtype),
            "output",
        )
    ]


def _mean(w: Workload, data: Any, height: int, width: int, strips: int = 1) -> Any:
    """Over height and width, or of each of so many strips of rows, summed in float32."""
    rows = height // strips
    y, x = te.reduce_axis((0, rows), "y"), te.reduce_axis((0, width), "x")
    shape = (w.batch, strips, 1, w.out_channels)
    total = te.compute(shape, lambda n, i, j, c: te.sum(data(n, i * rows + y, x, c).astype("float32"), [y, x]), "sum")
    share = tirx.const(1.0 / (rows * width), "float32")
    return te.compute(shape, lambda *at: (total(*at) * share).astype(w.dtype), "mean_output")


def _finish(w: Workload, t: Tensors, total: Any) -> list[Any]:
    """Bias, activation, residual, and the means of a ``pool`` or ``rowpool``."""

    def value(*at: Expr) -> Expr:
        biased = total(*at) + t["bias"](at[-1]).astype(w.dtype) if "bias" in t else total(*at)
        active = activate(biased, w.activation, w.dtype)
        return active + t["residual"](*at) if "residual" in t else active

    output = te.compute(total.shape, value, "output")
    if not w.pools:
        return [output]
    strips = w.out_height if "rowpool" in w.epilogue else 1
    return [output, _mean(w, output, w.out_height, w.out_width, strips)]
