"""`TensorSpec`: what every room knows of an input or output."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TensorSpec:
    """Name, static shape and dtype (NumPy's name) of one input or output."""

    name: str
    shape: tuple[int, ...]
    dtype: str
