"""Default tiles of matrix products: what they waste, and how they are shared."""

from __future__ import annotations

import pytest
from support.cores import WIDE

from tvm_mnv3.schedules import tiles
from tvm_mnv3.schedules.gemm_knobs import default
from tvm_mnv3.workload import Workload


@pytest.mark.parametrize(
    "name", ["pointwise_h14w14_i80_o480_f32_bias_hswish", "pointwise_h14w14_i112_o672_f32_bias_hswish"]
)
def test_two_threads_share_an_expansion_s_panels_evenly(name: str) -> None:
    workload = Workload.parse(name)
    knobs = default(workload, WIDE)
    panels = tiles.count(workload.out_channels, knobs.vectors * knobs.lanes)
    assert knobs.order == "columns"
    assert panels >= 7
    assert tiles.imbalance(panels, 2) == 1


def test_112_channels_are_two_tiles_of_which_the_last_is_narrower() -> None:
    """One tile of seven vectors leaves room for three rows alone, which read the weights too often."""
    workload = Workload.parse("pointwise_h14w14_i672_o112_f32_scale_bias_add")
    knobs = default(workload, WIDE)
    assert (knobs.order, knobs.vectors, knobs.lanes) == ("rows", 4, 16)
    assert knobs.rows >= 6
    assert tiles.again(workload.out_channels, knobs.vectors, knobs.lanes) == 1
