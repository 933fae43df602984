"""The two dense layers of a squeeze-and-excite block in one kernel: mean in, scale out (MobileNetV3, section 5.3).

``scale = hsigmoid(W2 relu(W1 mean + b1) + b2)``. The squeeze before it belongs to the depthwise kernel's epilogue and
the multiplication after it to the projection's prologue, so the activation itself is never touched here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np

from tvm_mnv3.compat import Expr, Schedule, T, tirx
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import sums, tiles
from .epilogue import activate
from .gemm_knobs import UNROLL
from .reference import squeeze_excite as reference
from .template import Array, Template


@dataclass(frozen=True)
class SqueezeExciteKnobs:
    """Vectors of sums that the squeezing and the exciting layer keep side by side, and elements in a vector of each."""

    squeeze_vectors: int
    squeeze_lanes: int
    excite_vectors: int
    excite_lanes: int


def compute(workload: Workload, knobs: SqueezeExciteKnobs) -> tirx.PrimFunc:
    """The kernel ``(mean, weight1, weight2, bias1, bias2, scale)`` before scheduling; mean and scale ``(N, C)``."""
    B, C, S, dtype = workload.batch, workload.in_channels, workload.out_channels, workload.dtype
    stored = workload.stored_dtype
    V, L = knobs.squeeze_vectors, knobs.squeeze_lanes
    V2, L2 = knobs.excite_vectors, knobs.excite_lanes
    ST, CT = tiles.count(S, V * L), tiles.count(C, V2 * L2)
    parts = sums.bias_parts(workload)
    C1, S1 = _block(C, workload), _block(S, workload)

    def whole(total: Any, n: Expr, t: Expr, i: Expr, e: Expr, bias: Any, blocks: int) -> Expr:
        return sums.whole([total[n, t, block, i, e] for block in range(blocks)], bias, (t, i, e), workload)

    @T.prim_func(s_tir=True)
    def squeeze_excite(
        mean: T.Buffer((B, C), dtype),
        weight1: T.Buffer((ST, C, V, L), stored),
        weight2: T.Buffer((CT, S, V2, L2), stored),
        bias1: T.Buffer((parts, ST, V, L), dtype),
        bias2: T.Buffer((parts, CT, V2, L2), dtype),
        scale: T.Buffer((B, C), dtype),
    ) -> None:
        T.func_attr({"tirx.noalias": True})
        squeezed = T.sblock_alloc_buffer((B, ST, C // C1, V, L), dtype)
        hidden = T.sblock_alloc_buffer((B, ST * V * L), dtype)
        excited = T.sblock_alloc_buffer((B, CT, S // S1, V2, L2), dtype)
        for b, st, block, v, lane, k in T.grid(B, ST, C // C1, V, L, C1):
            with T.sblock("squeezed"):
                n, t, d, i, e, c = T.axis.remap("SSSSSR", [b, st, block, v, lane, k])
                with T.init():
                    squeezed[n, t, d, i, e] = sums.first_term(bias1, (t, i, e), workload, C // C1)
                squeezed[n, t, d, i, e] = squeezed[n, t, d, i, e] + mean[n, d * C1 + c] * T.cast(
                    weight1[t, d * C1 + c, i, e], dtype
                )
        for b, st, v, lane in T.grid(B, ST, V, L):
            with T.sblock("hidden"):
                n, t, i, e = T.axis.remap("SSSS", [b, st, v, lane])
                hidden[n, (t * V + i) * L + e] = activate(whole(squeezed, n, t, i, e, bias1, C // C1), "relu", dtype)
        for b, ct, block, v, lane, k in T.grid(B, CT, S // S1, V2, L2, S1):
            with T.sblock("excited"):
                n, t, d, i, e, c = T.axis.remap("SSSSSR", [b, ct, block, v, lane, k])
                with T.init():
                    excited[n, t, d, i, e] = sums.first_term(bias2, (t, i, e), workload, S // S1)
                excited[n, t, d, i, e] = excited[n, t, d, i, e] + hidden[n, d * S1 + c] * T.cast(
                    weight2[t, d * S1 + c, i, e], dtype
                )
        for b, ct, v, lane in T.grid(B, CT, V2, L2):
            with T.sblock("scale"):
                n, t, i, e = T.axis.remap("SSSS", [b, ct, v, lane])
                scale[n, tiles.column(t, i, C, V2, L2) + e] = activate(
                    whole(excited, n, t, i, e, bias2, S // S1), "hsigmoid", dtype
                )

    return squeeze_excite


def _block(depth: int, workload: Workload) -> int:
    """So many products are summed into one block of a sum."""
    return sums.block(depth, gcd(depth, UNROLL), workload)


def schedule(sch: Schedule, workload: Workload, knobs: SqueezeExciteKnobs, core: Core) -> None:
    """Both layers in one task, because the second needs all of the first.

    After::

        for tile: squeezed = bias1 + mean * weight1 (in registers); hidden = relu(squeezed)
        for tile: excited = bias2 + hidden * weight2 (in registers); scale = hsigmoid(excited)
    """
    for total, output, depth in (
        ("squeezed", "hidden", workload.in_channels),
        ("excited", "scale", workload.out_channels),
    ):
        _dense(sch, sch.get_sblock(total), sch.get_sblock(output), depth)


def _dense(sch: Schedule, total: Any, output: Any, depth: int) -> None:
    _, tile, v, lane = sch.get_loops(output)
    sch.compute_at(total, tile, preserve_unit_loops=True)
    sch.set_scope(total, 0, "local")
    sch.vectorize(lane)
    sch.unroll(v)
    *_, v, lane, k = sch.get_loops(total)
    k_outer, k_inner = sch.split(k, [None, gcd(depth, UNROLL)])
    sch.reorder(k_outer, k_inner, v, lane)
    sch.vectorize(lane)
    sch.unroll(k_inner)
    sch.unroll(v)
    sch.decompose_reduction(total, k_outer)


def _tiles(extent: int, workload: Workload, core: Core, most: int) -> tuple[int, int]:
    lanes = tiles.fitting_lanes(extent, core.lanes(workload.dtype))
    return tiles.balanced(tiles.count(extent, lanes), most), lanes


def _assignment(workload: Workload, core: Core, most: int) -> SqueezeExciteKnobs:
    squeeze = _tiles(workload.out_channels, workload, core, most)
    excite = _tiles(workload.in_channels, workload, core, most)
    return SqueezeExciteKnobs(*squeeze, *excite)


def knobs(workload: Workload, core: Core) -> list[SqueezeExciteKnobs]:
    """Tiles of at most 1 to as many vectors as leave registers for weights."""
    most = core.vector_registers // 2
    return list(dict.fromkeys(_assignment(workload, core, limit) for limit in range(1, most + 1)))


def default(workload: Workload, core: Core) -> SqueezeExciteKnobs:
    """Enough sums to hide the multiply-add's latency."""
    wanted = core.multiply_adds_per_cycle * core.multiply_add_latency
    return _assignment(workload, core, max(4, min(wanted, core.vector_registers // 2)))


def pack(weights: Mapping[str, Array], workload: Workload, knobs: SqueezeExciteKnobs) -> list[Array]:
    """``weight1 (S, C)`` and ``weight2 (C, S)`` into panels ``(tiles, depth, vectors, lanes)``, biases alike.

    The squeezing layer's last tile is filled up with zeros, because the hidden values between the layers are read
    by their index.
    """
    lanes = (knobs.squeeze_vectors, knobs.squeeze_lanes)
    filled = -workload.out_channels % (knobs.squeeze_vectors * knobs.squeeze_lanes)
    squeeze = np.pad(weights["weight1"], [(0, filled), (0, 0)]).reshape(-1, *lanes, workload.in_channels)
    squeeze_bias = np.pad(sums.packed_bias(weights["bias1"], workload), [(0, 0), (0, filled)])
    excite = tiles.columns(workload.in_channels, knobs.excite_vectors, knobs.excite_lanes)
    return [
        np.ascontiguousarray(squeeze.transpose(0, 3, 1, 2)),
        np.ascontiguousarray(weights["weight2"][excite].transpose(0, 3, 1, 2)),
        squeeze_bias.reshape(len(squeeze_bias), -1, *lanes),
        np.ascontiguousarray(sums.packed_bias(weights["bias2"], workload)[:, excite]),
    ]


TEMPLATE = Template(
    operator="se",
    version=1,
    knobs_type=SqueezeExciteKnobs,
    serves=lambda workload: workload.epilogue == ("relu", "hsigmoid"),
    compute=compute,
    schedule=schedule,
    knobs=knobs,
    default=default,
    pack=pack,
    reference=reference,
)
