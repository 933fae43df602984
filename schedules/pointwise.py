"""Pointwise (1x1) convolution, NHWC: a matrix product over all pixels, see `gemm`."""

from __future__ import annotations

from . import gemm, gemm_default, gemm_knobs, gemm_space
from .reference import pointwise as reference
from .template import Template

TEMPLATE = Template(
    operator="pointwise",
    version=1,
    knobs_type=gemm_knobs.GemmKnobs,
    serves=lambda workload: workload.layout == "nhwc" and not workload.pools,
    compute=gemm.compute,
    schedule=gemm.schedule,
    knobs=gemm_space.knobs,
    default=gemm_default.default,
    pack=gemm.pack,
    reference=reference,
)
