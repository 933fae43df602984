"""Products by blocks of k: the same bits as of all k at once, and the next block on its way."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from support.cores import WIDE
from support.fetches import fetches
from support.kernels import assert_computes

from tvm_mnv3.schedules import gemm_blocks
from tvm_mnv3.schedules.gemm_default import default
from tvm_mnv3.schedules.gemm_knobs import GemmKnobs
from tvm_mnv3.schedules.gemm_space import knobs
from tvm_mnv3.schedules.read_ahead import LINE
from tvm_mnv3.targets import load_core
from tvm_mnv3.workload import Workload

PROJECTION = Workload.parse("pointwise_h7w7_i960_o160_f32_scale_bias_add")
#: Rows and columns that tiles do not divide, one and two panels, all that a product can be fused with.
CASES = {
    "pointwise_h7w7_i96_o40_f32_scale_bias_add": GemmKnobs(5, 2, 8, "columns", panel=True, blocks=6),
    "pointwise_h7w7_i96_o24_f32_bias_hswish": GemmKnobs(4, 2, 8, "columns", blocks=3),
    "pointwise_h3w5_i48_o40_f32": GemmKnobs(7, 5, 8, "columns", blocks=12),
    "pointwise_h7w7_i96_o40_f32w16_scale_bias": GemmKnobs(3, 3, 8, "columns", panel=True, blocks=2),
    "pointwise_n2_h4w4_i48_o24_f32_scale_bias_add": GemmKnobs(5, 3, 8, "columns", panel=True, blocks=4),
}


@pytest.mark.parametrize("name", CASES)
def test_blocks_change_no_bit_and_agree_with_the_reference(name: str, tmp_path: Path) -> None:
    assert_computes(Workload.parse(name), tmp_path, CASES[name], replace(CASES[name], order="rows", blocks=1))


def test_a_panel_that_the_first_level_cache_does_not_hold_is_cut_into_blocks_that_it_does() -> None:
    chosen = default(PROJECTION, WIDE)
    block = PROJECTION.in_channels // chosen.blocks * chosen.vectors * chosen.lanes * 4
    assert chosen.order == "columns"
    assert chosen.blocks > 1
    assert block <= WIDE.l1_data_bytes < block * chosen.blocks


def test_an_expansion_is_cut_where_its_rows_fit_the_cache_but_not_with_a_panel() -> None:
    expansion = Workload.parse("pointwise_h7w7_i160_o960_f32_bias_hswish")
    chosen = default(expansion, WIDE)
    rows, panel = 49 * 160 * 4, 160 * chosen.vectors * chosen.lanes * 4
    assert chosen.blocks > 1
    assert max(rows, (rows + panel) // chosen.blocks) <= WIDE.l1_data_bytes < rows + panel


@pytest.mark.parametrize(
    ("name", "core"),
    [
        ("pointwise_h7w7_i96_o576_f32_bias_hswish", WIDE),  # its panels fit, with all rows
        ("pointwise_h14w14_i112_o672_f32_bias_hswish", WIDE),  # its rows do not, panel or not
        ("pointwise_h14w14_i672_o112_f32_scale_bias_add", WIDE),  # rows enough: weights stream past them
        (PROJECTION.name, load_core("cortex-a76")),
    ],
)
def test_others_take_all_of_k_at_once(name: str, core: object) -> None:
    assert default(Workload.parse(name), core).blocks == 1  # type: ignore[arg-type]


def test_blocks_are_in_the_space_of_x86_alone() -> None:
    counts = {core.isa: {k.blocks for k in knobs(PROJECTION, core)} for core in (WIDE, load_core("cortex-a76"))}
    assert counts["aarch64"] == {1}
    assert len(counts["x86_64"]) > 2


def test_while_a_block_is_in_use_all_of_the_next_is_fetched() -> None:
    workload = Workload.parse("pointwise_h7w7_i96_o40_f32_scale_bias_add")
    function = gemm_blocks.compute(workload, GemmKnobs(10, 2, 8, "columns", panel=True, blocks=4))
    block_bytes = 24 * 2 * 8 * 4
    offsets: dict[int, set[int]] = {}
    for (panel, block, *_), offset in fetches(function.body):
        offsets.setdefault(panel * 4 + block, set()).add(offset)
    assert sorted(offsets) == list(range(12))
    for block, fetched in offsets.items():
        assert fetched >= set(range((block + 1) * block_bytes, (block + 2) * block_bytes, LINE))
    assert all(max(offsets[one]) < min(offsets[next_]) + 2 * block_bytes for one, next_ in pairwise(sorted(offsets)))
