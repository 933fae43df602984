"""`SourceLayer`: a layer with weights, under the name that the model's author knows it by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class SourceLayer:
    """A convolution or matrix product of the model as it came.

    Parameters
    ----------
    name
        PyTorch's name of the module (``features.4.block.1.0``); an ONNX node's name, or its operator and
        output (``Conv v28``) where it has none.
    output
        What its framework calls the value that it makes.
    weight
        As the file has it, outputs first: [O, I/groups, kh, kw] of a convolution, [O, I] of a matrix product.
    """

    name: str
    output: str
    weight: npt.NDArray[Any]

    def signature(self) -> tuple[int, ...]:
        """Outputs, inputs per group, and the window's sides: 1 and 1 of a matrix product."""
        return window_signature(self.weight.shape)


def window_signature(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The four numbers of a weight's shape, so that a matrix product equals a convolution of 1x1."""
    return tuple(int(extent) for extent in (*shape, 1, 1)[:4])


def directions(weight: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Each output's weights as a vector of length 1 (of zeros where all are): what scaling an output leaves alone."""
    rows = weight.astype(np.float64).reshape(weight.shape[0], -1)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: npt.NDArray[np.float64] = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return unit


def joined(names: Sequence[str]) -> str:
    """Several layers in one name, what they share only once: ``features.4.block.2.fc1 + fc2``."""
    if len(names) < 2:
        return "".join(names)
    shared = names[0].rpartition(".")[0]
    rest = [name.removeprefix(f"{shared}.") if shared else name for name in names[1:]]
    return " + ".join([names[0], *rest])
