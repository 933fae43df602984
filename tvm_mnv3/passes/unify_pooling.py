"""UnifyPooling: every global average pooling is ``mean`` over height and width, keeping the axes.

It arrives as ``adaptive_avg_pool2d`` to one pixel, as ``avg_pool2d`` over the whole map, or as a ``mean``
that drops the axes or counts them from the end.
"""

from __future__ import annotations

from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.passes.dataflow import Writer, operator, rewrite, shape


def unify_pooling(module: IRModule) -> IRModule:
    """Write every global average pooling of an NCHW map as ``mean(x, [2, 3], keepdims=True)``."""
    return rewrite(module, _rule)


def _rule(writer: Writer, var: relax.Var, value: relax.Expr) -> bool:
    if not _is_global_average(value):
        return False
    pooled = relax.op.mean(value.args[0], [2, 3], keepdims=True)
    is_whole = len(shape(value)) == 4
    writer.bind(var, pooled if is_whole else relax.op.reshape(pooled, shape(value)))
    return True


def _is_global_average(value: relax.Expr) -> bool:
    name = operator(value)
    if name not in ("mean", "nn.adaptive_avg_pool2d", "nn.avg_pool2d") or len(shape(value.args[0])) != 4:
        return False
    attrs = value.attrs
    if name == "mean":
        return attrs.axis is not None and sorted(int(axis) % 4 for axis in attrs.axis) == [2, 3]
    if attrs.layout != "NCHW" or shape(value)[2:] != (1, 1):
        return False
    if name == "nn.adaptive_avg_pool2d":
        return True
    whole = tuple(int(size) for size in attrs.pool_size) == shape(value.args[0])[2:]
    return whole and not any(int(pad) for pad in attrs.padding)
