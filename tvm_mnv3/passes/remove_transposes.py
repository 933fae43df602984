"""RemoveTransposes: a chain of transposes and reshapes that moves no element is one reshape, or nothing.

Two transposes that undo each other, a transpose of a map of one pixel, the ``reshape, permute_dims, reshape``
of a detection head: whether a chain moves elements is found by running it on the numbers 0, 1, 2, ... with
NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tvm_mnv3.compat import Call, IRModule, relax
from tvm_mnv3.passes.dataflow import Dataflow, Writer, operator, rewrite, shape

_RESHAPES = frozenset(["reshape", "flatten", "squeeze", "expand_dims"])
VIEWS = _RESHAPES | {"permute_dims"}


def remove_transposes(module: IRModule) -> IRModule:
    """Write every chain of transposes and reshapes that moves no element as one reshape of its farthest source."""
    flow = Dataflow.of(module)

    def rule(writer: Writer, var: relax.Var, value: relax.Expr) -> bool:
        source = _farthest_unmoved(value, flow)
        if source is None:
            return False
        writer.bind(var, source if shape(source) == shape(var) else relax.op.reshape(source, shape(var)))
        return True

    return rewrite(module, rule)


def _farthest_unmoved(value: relax.Expr, flow: Dataflow) -> relax.Expr | None:
    """The farthest tensor up a chain of views whose elements are in the same order as `value`'s."""
    chain: list[Call] = []
    unmoved = None
    for view in _views_upward(value, flow):
        chain.append(view)
        if _keeps_order(chain):
            unmoved = view.args[0]
    return unmoved


def _views_upward(value: relax.Expr, flow: Dataflow) -> Iterator[Call]:
    while operator(value) in VIEWS and shape(value.args[0]):
        yield value
        value = flow.value(value.args[0])


def _keeps_order(chain: list[Call]) -> bool:
    """Whether a chain of views, the last one first, leaves every element where it was."""
    if all(operator(view) in _RESHAPES for view in chain):
        return True
    elements = np.arange(np.prod(shape(chain[-1].args[0])), dtype=np.int32).reshape(shape(chain[-1].args[0]))
    for view in reversed(chain):
        if operator(view) == "permute_dims":
            axes = view.attrs.axes
            elements = elements.transpose(None if axes is None else [int(axis) for axis in axes])
        else:
            elements = elements.reshape(shape(view))
    return bool((np.diff(elements.reshape(-1)) == 1).all())
