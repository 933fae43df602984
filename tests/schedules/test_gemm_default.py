"""Default tiles of matrix products: what they waste, and how they are shared."""

from __future__ import annotations

import pytest
from support.cores import WIDE

from tvm_mnv3.schedules import tiles
from tvm_mnv3.schedules.gemm_default import default
from tvm_mnv3.schedules.gemm_knobs import UNROLL
from tvm_mnv3.targets import load_core
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


@pytest.mark.parametrize("name", ["cortex-a53", "cortex-a55"])
def test_in_order_a_tile_needs_fewer_loads_for_its_multiply_adds(name: str) -> None:
    workload = Workload.parse("pointwise_h14w14_i112_o672_f32_bias_hswish")
    chosen = [default(workload, load_core(core)) for core in (name, "cortex-a76")]
    in_order, out_of_order = ((k.vectors + k.rows / UNROLL) / (k.rows * k.vectors) for k in chosen)
    assert in_order < out_of_order


@pytest.mark.parametrize("dtype", ["f32", "f16"])
@pytest.mark.parametrize("core", ["cortex-a55", "cortex-a76"])
def test_the_next_weights_have_registers_beside_the_present_ones(core: str, dtype: str) -> None:
    for shape in ("h14w14_i112_o672", "h56w56_i24_o72", "h7w7_i960_o160"):
        chosen = default(Workload.parse(f"pointwise_{shape}_{dtype}_bias"), load_core(core))
        assert chosen.vector_reads
        assert chosen.rows * chosen.vectors + 2 * chosen.vectors + chosen.rows <= 32


def test_rows_do_without_the_vectors_that_a_last_panel_would_compute_again() -> None:
    orders = {n: default(Workload.parse(f"pointwise_h14w14_i80_o{n}_f32_bias_hswish"), WIDE).order for n in (200, 480)}
    assert orders == {200: "rows", 480: "columns"}
