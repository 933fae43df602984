"""PoolByRows: a depthwise kernel on a large map gives the mean of each row, and a small ``pool`` kernel theirs.

A kernel with the epilogue ``pool`` sums a channel over the whole map, so threads share its channels. The kernels around
it share the rows of a large map: then half of what each thread reads comes out of another core's cache, there and at
the projection behind it. And V3-Small's first map has 16 channels, a single vector of a server's core, which is no work
for two. With sums of one row each, threads share rows throughout.
"""

from __future__ import annotations

from dataclasses import replace

from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.passes.dataflow import Writer, rewrite
from tvm_mnv3.passes.kernels import Composites, called_workload
from tvm_mnv3.workload import Workload

#: A map is large with so many pixels a channel. Two threads of an Emerald Rapids: the three of V3-Large gain 25 to 48
#: microseconds each (6.5 pixels a channel and more), one of V3-Small with 1.4 loses 3.
PIXELS_PER_CHANNEL = 4


def pool_by_rows(module: IRModule) -> IRModule:
    """Write each ``depthwise`` composite with ``pool``, on a large map, with ``rowpool`` and a ``pool`` behind."""
    composites = Composites()
    pairs: dict[relax.Var, tuple[relax.Var, Workload]] = {}

    def rule(writer: Writer, var: relax.Var, value: relax.Expr) -> bool:
        if isinstance(value, relax.TupleGetItem) and value.tuple_value in pairs:
            pair, workload = pairs[value.tuple_value]
            item = relax.TupleGetItem(pair, value.index)
            if value.index == 1:
                item = composites.call(writer, mean_of_rows(workload), [writer.emit(item)])
            writer.bind(var, item)
            return True
        whole = called_workload(value, module)
        if whole is None or "pool" not in whole.epilogue or not _is_large(whole):
            return False
        by_rows = replace(whole, epilogue=(*whole.epilogue[:-1], "rowpool"))
        pairs[var] = writer.emit(composites.call(writer, by_rows, value.args)), by_rows
        return True

    return rewrite(module, rule)


def _is_large(depthwise: Workload) -> bool:
    return depthwise.height * depthwise.width >= PIXELS_PER_CHANNEL * depthwise.in_channels


def mean_of_rows(depthwise: Workload) -> Workload:
    """The workload of the ``pool`` behind a kernel with ``rowpool``: its map is one column, of the rows' means."""
    w = depthwise
    return Workload("pool", w.out_channels, w.out_channels, batch=w.batch, height=w.out_height, width=1, dtype=w.dtype)
