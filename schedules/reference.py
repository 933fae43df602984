"""The operators in NumPy, in double precision: what a kernel's outputs are checked against.

Operands come by role in the layouts of `tvm_mnv3.passes`; results have the workload's dtype.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tvm_mnv3.workload import Workload

from .epilogue import activate_array
from .template import Array

Operands = Mapping[str, Array]


def pointwise(operands: Operands, workload: Workload) -> list[Array]:
    """Pointwise convolution or dense layer: data ``(N, H, W, I)`` or ``(N, I)``, weight ``(O, ..., I)``."""
    data = _double(operands, "data")
    if "scale" in workload.prologue:
        data = data * _double(operands, "scale")
    weight = _double(operands, "weight").reshape(workload.out_channels, workload.in_channels)
    return _finish(data @ weight.T, operands, workload)


def conv(operands: Operands, workload: Workload) -> list[Array]:
    """Convolution: data ``(N, H, W, I)`` or with layout ``nchw`` ``(N, I, H, W)``, weight ``(O, k, k, I)``."""
    data = _double(operands, "data")
    if workload.layout == "nchw":
        data = data.transpose(0, 2, 3, 1)
    if "affine" in workload.prologue:
        data = data * _double(operands, "factor") + _double(operands, "offset")
    weight = _double(operands, "weight")
    total = sum(tap @ weight[:, dy, dx].T for dy, dx, tap in _taps(data, workload))
    return _finish(np.asarray(total), operands, workload)


def depthwise(operands: Operands, workload: Workload) -> list[Array]:
    """Depthwise convolution: data ``(N, H, W, C)``, weight ``(C, k, k, 1)``; ``pool`` adds a mean ``(N, 1, 1, C)``,
    ``rowpool`` each row's ``(N, OH, 1, C)``."""
    weight = _double(operands, "weight")
    total = sum(tap * weight[:, dy, dx, 0] for dy, dx, tap in _taps(_double(operands, "data"), workload))
    return _finish(np.asarray(total), operands, workload)


def squeeze_excite(operands: Operands, workload: Workload) -> list[Array]:
    """Both dense layers of an SE block: data (the mean) ``(N, 1, 1, C)`` to the scale ``(N, 1, 1, C)``."""
    squeezed = _double(operands, "data") @ _double(operands, "weight1").T + _double(operands, "bias1")
    excited = np.maximum(squeezed, 0) @ _double(operands, "weight2").T + _double(operands, "bias2")
    return [activate_array(excited, "hsigmoid").astype(workload.dtype)]


def pool(operands: Operands, workload: Workload) -> list[Array]:
    """Mean over height and width: data ``(N, H, W, C)`` to ``(N, 1, 1, C)``."""
    return [_double(operands, "data").mean(axis=(1, 2), keepdims=True).astype(workload.dtype)]


def _double(operands: Operands, role: str) -> Array:
    return operands[role].astype(np.float64)


def _taps(data: Array, w: Workload) -> list[tuple[int, int, Array]]:
    """For each tap of the window the input values it meets, one per output pixel."""
    top, left, bottom, right = w.padding
    padded = np.pad(data, [(0, 0), (top, bottom), (left, right), (0, 0)])
    rows, columns = (w.out_height - 1) * w.stride + 1, (w.out_width - 1) * w.stride + 1
    return [
        (dy, dx, padded[:, dy : dy + rows : w.stride, dx : dx + columns : w.stride])
        for dy in range(w.kernel)
        for dx in range(w.kernel)
    ]


def _finish(total: Array, operands: Operands, workload: Workload) -> list[Array]:
    if "bias" in workload.epilogue:
        total = total + _double(operands, "bias")
    total = activate_array(total, workload.activation)
    if "add" in workload.epilogue:
        total = total + _double(operands, "residual")
    outputs = [total]
    if "pool" in workload.epilogue:
        outputs.append(total.mean(axis=(1, 2), keepdims=True))
    if "rowpool" in workload.epilogue:
        outputs.append(total.mean(axis=2, keepdims=True))
    return [output.astype(workload.dtype) for output in outputs]
