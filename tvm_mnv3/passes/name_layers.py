"""Which layers of the source each kernel computes: found by the weights that it holds.

Imported and rewritten operators keep no name, but every kernel keeps its weights: those of the source in another
layout, and with each output scaled by the batch norm that was folded in. So layers of the same shape are matched by the
directions of their outputs' weights, all of them at once, best total first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from tvm_mnv3.compat import Call, IRModule
from tvm_mnv3.passes.dataflow import array
from tvm_mnv3.passes.kernels import called_workload
from tvm_mnv3.source_layer import SourceLayer, directions, window_signature

#: Added for the same place in the order of equal shapes: it decides where weights are equal, or all zero.
_ORDER_BONUS = 1e-3


def layer_names(module: IRModule, layers: Sequence[SourceLayer]) -> list[tuple[str, ...]]:
    """The names of the layers in each call of a composite function, in the order of the calls.

    Parameters
    ----------
    module
        In normal form.
    layers
        Of the source, in order.
    """
    calls = [
        binding.value
        for block in module["main"].body.blocks
        for binding in block.bindings
        if called_workload(binding.value, module) is not None
    ]
    weights = [
        (number, _as_source(value))
        for number, call in enumerate(calls)
        for role, value in _weights(call, module)
        if role.startswith("weight")
    ]
    places: list[list[int]] = [[] for _ in calls]
    for signature in dict.fromkeys(window_signature(weight.shape) for _, weight in weights):
        held = [(number, weight) for number, weight in weights if window_signature(weight.shape) == signature]
        known = [place for place, layer in enumerate(layers) if layer.signature() == signature]
        for row, column in _assigned([weight for _, weight in held], [layers[place] for place in known]):
            places[held[row][0]].append(known[column])
    return [tuple(layers[place].name for place in sorted(each)) for each in places]


def _weights(call: Call, module: IRModule) -> list[tuple[str, np.ndarray]]:
    roles = [str(role) for role in module[call.op].attrs["Operands"]]
    pairs = [(role, array(value)) for role, value in zip(roles, call.args, strict=True)]
    return [(role, value) for role, value in pairs if value is not None]


def _as_source(weight: np.ndarray) -> np.ndarray:
    """From a composite's layout (OHWI) to the source's (OIHW)."""
    return weight if weight.ndim == 2 else np.transpose(weight, (0, 3, 1, 2))


def _assigned(weights: Sequence[np.ndarray], layers: Sequence[SourceLayer]) -> list[tuple[int, int]]:
    """Pairs of places: the weights' and the layers'."""
    if not weights or not layers:
        return []
    ours = [directions(weight) for weight in weights]
    theirs = [directions(layer.weight) for layer in layers]
    likeness = np.array([[np.abs((a * b).sum(axis=1)).mean() for b in theirs] for a in ours])
    likeness += _ORDER_BONUS * np.eye(*likeness.shape)
    rows, columns = linear_sum_assignment(likeness, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True)]
