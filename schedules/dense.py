"""Dense layer, the classifier's: a matrix product with one row per picture, bound by the reading of its weights."""

from __future__ import annotations

from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from . import gemm, tiles
from .reference import pointwise as reference
from .template import Template


def default(workload: Workload, core: Core) -> gemm.GemmKnobs:
    """For one picture wide tiles, so that enough sums hide the multiply-add's latency; for more, `gemm`'s choice."""
    if workload.batch > 1:
        return gemm.default(workload, core)
    lanes = tiles.fitting_lanes(workload.out_channels, core.lanes(workload.dtype))
    wanted = core.multiply_adds_per_cycle * core.multiply_add_latency
    vectors = tiles.balanced(tiles.count(workload.out_channels, lanes), min(wanted, 8))
    return gemm.GemmKnobs(rows=1, vectors=vectors, lanes=lanes, order="columns")


TEMPLATE = Template(
    operator="dense",
    version=1,
    knobs_type=gemm.GemmKnobs,
    serves=lambda workload: not workload.prologue and "pool" not in workload.epilogue,
    compute=gemm.compute,
    schedule=gemm.schedule,
    knobs=gemm.knobs,
    default=default,
    pack=gemm.pack,
    reference=reference,
)
