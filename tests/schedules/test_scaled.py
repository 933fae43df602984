"""What the scale of a squeeze-excite block is multiplied into: the next tile's rows, or the weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.cores import WIDE
from support.kernels import assert_computes

from tvm_mnv3.schedules.gemm_default import default
from tvm_mnv3.schedules.gemm_knobs import GemmKnobs
from tvm_mnv3.schedules.gemm_space import SCALED_BYTES, knobs
from tvm_mnv3.targets import Core, load_core
from tvm_mnv3.workload import Workload

#: Tiles that divide and that do not, a last tile with vectors less, two pictures, float16 weights (`test_pairs` has
#: those of pairs).
AHEAD = {
    "pointwise_h7w7_i96_o112_f32_scale_bias_add": GemmKnobs(3, 4, 16, panel=True, scaled="ahead"),
    "pointwise_h6w8_i72_o48_f32_scale_bias": GemmKnobs(4, 1, 8, panel=True, scaled="ahead"),
    "pointwise_h7w7_i96_o40_f32_scale": GemmKnobs(1, 2, 16, panel=True, scaled="ahead"),
    "pointwise_n2_h3w5_i48_o64_f32_scale_bias_add": GemmKnobs(4, 1, 16, panel=True, scaled="ahead"),
    "pointwise_h6w8_i64_o96_f32w16_scale_bias": GemmKnobs(5, 3, 8, panel=True, scaled="ahead"),
}
WEIGHTS = {
    "pointwise_h7w7_i96_o40_f32_scale_bias_add": GemmKnobs(5, 5, 16, pairs=True, scaled="weights"),
    "pointwise_h7w7_i96_o112_f32_scale_bias": GemmKnobs(6, 4, 16, scaled="weights"),
    "pointwise_h6w8_i72_o48_f32_scale": GemmKnobs(4, 3, 8, order="columns", scaled="weights"),
    "pointwise_h6w8_i72_o24_f32w16_scale_bias": GemmKnobs(5, 3, 8, panel=True, scaled="weights"),
}


@pytest.mark.parametrize("name", AHEAD)
def test_rows_that_are_scaled_ahead_change_no_bit(name: str, tmp_path: Path) -> None:
    # Done one by one, no task finds a panel that was filled for it before.
    assert_computes(Workload.parse(name), tmp_path, AHEAD[name], replace(AHEAD[name], scaled="rows"))


@pytest.mark.parametrize("name", WEIGHTS)
def test_scaled_weights_agree_with_the_reference(name: str, tmp_path: Path) -> None:
    assert_computes(Workload.parse(name), tmp_path, WEIGHTS[name])


@pytest.mark.parametrize(
    ("name", "core", "scaled"),
    [
        ("pointwise_h28w28_i120_o40_f32_scale_bias_add", WIDE, "weights"),
        ("pointwise_h28w28_i120_o40_f32_scale_bias_add", load_core("cortex-a76"), "weights"),
        ("pointwise_h28w28_i120_o40_f16_scale_bias_add", load_core("cortex-a76"), "rows"),  # one rounding more
        ("pointwise_h14w14_i672_o112_f32_scale_bias_add", WIDE, "ahead"),
        ("pointwise_h14w14_i672_o112_f32_scale_bias_add", load_core("cortex-a76"), "rows"),
    ],
)
def test_few_weights_are_scaled_and_rows_of_many_channels_ahead(name: str, core: Core, scaled: str) -> None:
    assert default(Workload.parse(name), core).scaled == scaled


@pytest.mark.parametrize("channels", [112, 88])  # 88 fill wide vectors with pairs
def test_one_panel_of_the_two_is_filled_while_the_other_is_in_use(channels: int) -> None:
    workload = Workload.parse(f"pointwise_h14w14_i480_o{channels}_f32_scale_bias")
    tiles = [each for each in knobs(workload, WIDE) if each.scaled == "ahead"]
    assert any(each.pairs for each in tiles) == (channels == 88)
    for each in tiles:
        steps = -(-channels // each.width) * 480 // (8 if each.pairs else 4)
        assert each.rows * 480 / each.lanes <= steps


def test_weights_are_scaled_only_where_the_stack_has_room() -> None:
    small, large = (Workload.parse(f"pointwise_h14w14_i{k}_o40_f32_scale") for k in (240, 288))
    assert 240 * 40 * 4 <= SCALED_BYTES < 288 * 40 * 4
    assert any(each.scaled == "weights" for each in knobs(small, WIDE))
    assert not any(each.scaled == "weights" for each in knobs(large, WIDE))


def test_pictures_have_scales_of_their_own() -> None:
    two = Workload.parse("pointwise_n2_h14w14_i96_o40_f32_scale")
    assert not any(each.scaled == "weights" for each in knobs(two, WIDE))
