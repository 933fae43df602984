"""What a kernel does to a value before storing it: activations, as expressions of a kernel and as NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from tvm_mnv3.compat import Expr, tirx

from .gate import gate

Array = npt.NDArray[Any]


def activate(x: Expr, activation: str | None, dtype: str) -> Expr:
    """`x` with the activation of that name (None: as it is) applied, as an expression of a kernel."""
    if activation is None:
        return x
    zero = tirx.const(0.0, dtype)
    functions: dict[str, Callable[[Expr], Expr]] = {
        "relu": lambda v: tirx.max(v, zero),
        "relu6": lambda v: tirx.min(tirx.max(v, zero), tirx.const(6.0, dtype)),
        "hswish": lambda v: v * gate(v, dtype),
        "hsigmoid": lambda v: gate(v, dtype),
    }
    return functions[activation](x)


def activate_array(x: Array, activation: str | None) -> Array:
    """`x` with the activation of that name (None: as it is) applied, in NumPy: the reference."""
    gate = np.clip(x / 6 + 0.5, 0, 1)
    functions: dict[str | None, Callable[[], Array]] = {
        None: lambda: x,
        "relu": lambda: np.maximum(x, 0),
        "relu6": lambda: np.clip(x, 0, 6),
        "hswish": lambda: x * gate,
        "hsigmoid": lambda: gate,
    }
    return functions[activation]()
