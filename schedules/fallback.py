"""The schedule for everything without a template: element-wise work inlined, the innermost channels vectorized.

It is not tuned to be fast but to never be embarrassing: what is cheap to compute is computed where it is used, the
last spatial axis becomes a vector, and a kernel that is one loop nest is cut into tasks along its outermost axis.
"""

from __future__ import annotations

from math import gcd
from typing import Any

from tvm_mnv3.compat import IRModule, Schedule, ScheduleError, tirx
from tvm_mnv3.targets import Core

from .template import TASK


def schedule_fallback(function: tirx.PrimFunc, core: Core) -> tirx.PrimFunc:
    """The function with that schedule; its buffers and results stay as they are."""
    sch = Schedule(IRModule({"main": function}))
    for block in _blocks(sch):
        _try(lambda block=block: sch.compute_inline(block))
    blocks = _blocks(sch)
    for block in blocks:
        _try(lambda block=block: _schedule_block(sch, block, core))
    if len(blocks) == 1:
        loops = sch.get_loops(blocks[0])
        if loops and sch.get(loops[0]).kind == tirx.ForKind.SERIAL:
            _try(lambda: sch.annotate(loops[0], TASK, 1))
    return sch.mod["main"]


def _blocks(sch: Schedule) -> list[Any]:
    return list(sch.get_child_blocks(sch.get_sblock("root")))


def _schedule_block(sch: Schedule, block: Any, core: Core) -> None:
    """Spatial loops outside, then reductions, then a vector of the last spatial axis."""
    loops = sch.get_loops(block)
    kinds = [iterator.iter_type for iterator in sch.get(block).iter_vars]
    if len(kinds) != len(loops) or not loops:
        return
    spatial = [loop for loop, kind in zip(loops, kinds, strict=True) if kind == tirx.IterVar.DataPar]
    reductions = [loop for loop, kind in zip(loops, kinds, strict=True) if kind != tirx.IterVar.DataPar]
    if not spatial:
        return
    lanes = gcd(int(sch.get(spatial[-1]).extent), core.lanes("float32"))
    outer, lane = sch.split(spatial[-1], [None, lanes])
    sch.reorder(*spatial[:-1], outer, *reductions, lane)
    if len(spatial) > 1:
        sch.fuse(*spatial[:-1], outer)
    if lanes > 1:
        sch.vectorize(lane)
    if reductions:
        sch.decompose_reduction(block, reductions[0])


def _try(step: Any) -> None:
    """A step that the schedule's own checks may refuse: then the block stays as it was."""
    try:
        step()
    except ScheduleError:
        return
