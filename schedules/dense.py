"""Dense layer, the classifier's: a matrix product with one row per picture, bound by the reading of its weights."""

from __future__ import annotations

from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import gemm, gemm_default, gemm_knobs, gemm_space, tiles
from .reference import pointwise as reference
from .template import Template


def default(workload: Workload, core: Core) -> gemm_knobs.GemmKnobs:
    """For one picture wide tiles: enough sums to hide the multiply-add's latency. For more, `gemm_default`'s choice."""
    if workload.batch > 1:
        return gemm_default.default(workload, core)
    lanes = tiles.fitting_lanes(workload.out_channels, core.lanes(workload.dtype))
    wanted = core.multiply_adds_per_cycle * core.multiply_add_latency
    vectors = tiles.balanced(tiles.count(workload.out_channels, lanes), min(wanted, 8))
    return gemm_knobs.GemmKnobs(rows=1, vectors=vectors, lanes=lanes, order="columns")


TEMPLATE = Template(
    operator="dense",
    version=1,
    knobs_type=gemm_knobs.GemmKnobs,
    serves=lambda workload: not workload.prologue and not workload.pools,
    compute=gemm.compute,
    schedule=gemm.schedule,
    knobs=gemm_space.knobs,
    default=default,
    pack=gemm.pack,
    reference=reference,
)
