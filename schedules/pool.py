"""Global average pooling, NHWC: a block of channels after another, summed over the whole picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tvm_mnv3.compat import Schedule, T, tirx
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import tiles
from .reference import pool as reference
from .template import TASK, Array, Template

#: So many values are summed sooner by one thread than shared: a barrier takes a microsecond (measured on x86).
ALONE = 8192


@dataclass(frozen=True)
class PoolKnobs:
    """Vectors of channels summed side by side, and elements in a vector."""

    vectors: int
    lanes: int


def compute(workload: Workload, knobs: PoolKnobs) -> tirx.PrimFunc:
    """The kernel ``(data, output)`` before scheduling: ``(N, H, W, C)`` to ``(N, C)``."""
    B, H, W, C = workload.batch, workload.height, workload.width, workload.in_channels
    V, L, dtype = knobs.vectors, knobs.lanes, workload.dtype
    CT = tiles.count(C, V * L)

    @T.prim_func(s_tir=True)
    def pool(data: T.Buffer((B, H, W, C), dtype), output: T.Buffer((B, C), dtype)) -> None:
        T.func_attr({"tirx.noalias": True})
        total = T.sblock_alloc_buffer((B, CT, V, L), "float32")
        for b, ct, v, lane, y, x in T.grid(B, CT, V, L, H, W):
            with T.sblock("total"):
                n, t, i, e, r, c = T.axis.remap("SSSSRR", [b, ct, v, lane, y, x])
                with T.init():
                    total[n, t, i, e] = T.float32(0)
                total[n, t, i, e] = total[n, t, i, e] + T.cast(
                    data[n, r, c, tiles.column(t, i, C, V, L) + e], "float32"
                )
        for b, ct, v, lane in T.grid(B, CT, V, L):
            with T.sblock("mean"):
                n, t, i, e = T.axis.remap("SSSS", [b, ct, v, lane])
                output[n, tiles.column(t, i, C, V, L) + e] = T.cast(total[n, t, i, e] * T.float32(1.0 / (H * W)), dtype)

    return pool


def schedule(sch: Schedule, workload: Workload, knobs: PoolKnobs, core: Core) -> None:
    """Sums in registers: for every block of channels (tasks, unless they are few values) all pixels, then the mean."""
    total, mean = sch.get_sblock("total"), sch.get_sblock("mean")
    b, ct, v, lane = sch.get_loops(mean)
    task = sch.fuse(b, ct)
    if workload.batch * workload.height * workload.width * workload.in_channels > ALONE:
        sch.annotate(task, TASK, 1)
    sch.compute_at(total, task, preserve_unit_loops=True)
    sch.set_scope(total, 0, "local")
    sch.vectorize(lane)
    sch.unroll(v)
    *_, v, lane, y, x = sch.get_loops(total)
    sch.reorder(y, x, v, lane)
    sch.vectorize(lane)
    sch.unroll(v)
    sch.decompose_reduction(total, y)


def knobs(workload: Workload, core: Core) -> list[PoolKnobs]:
    """One to eight vectors."""
    lanes = tiles.fitting_lanes(workload.in_channels, core.lanes(workload.dtype))
    return [PoolKnobs(v, lanes) for v in range(1, min(8, tiles.count(workload.in_channels, lanes)) + 1)]


def default(workload: Workload, core: Core) -> PoolKnobs:
    """Enough sums to hide the addition's latency."""
    lanes = tiles.fitting_lanes(workload.in_channels, core.lanes(workload.dtype))
    return PoolKnobs(tiles.balanced(tiles.count(workload.in_channels, lanes), 4), lanes)


def pack(weights: Mapping[str, Array], workload: Workload, knobs: PoolKnobs) -> list[Array]:
    """A mean has no weights."""
    return []


TEMPLATE = Template(
    operator="pool",
    version=1,
    knobs_type=PoolKnobs,
    serves=lambda workload: workload.layout == "nhwc" and not workload.epilogue and not workload.prologue,
    compute=compute,
    schedule=schedule,
    knobs=knobs,
    default=default,
    pack=pack,
    reference=reference,
)
