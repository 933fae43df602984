"""Tables 1 and 2 are the paper's, and channel counts are rounded as every published network rounds them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvm_mnv3.models.tables import LARGE, SMALL, Table, make_divisible, minimalistic

#: "#out" of the bottlenecks, arXiv:1905.02244, Tables 1 and 2.
LARGE_OUTPUTS = (16, 24, 24, 40, 40, 40, 80, 80, 80, 80, 112, 112, 160, 160, 160)
SMALL_OUTPUTS = (16, 24, 24, 40, 40, 40, 48, 48, 96, 96, 96)


@pytest.mark.parametrize(("table", "outputs"), [(LARGE, LARGE_OUTPUTS), (SMALL, SMALL_OUTPUTS)])
def test_the_bottlenecks_have_the_papers_outputs(table: Table, outputs: tuple[int, ...]) -> None:
    assert tuple(row.out for row in table.rows) == outputs


@pytest.mark.parametrize("table", [LARGE, SMALL])
def test_the_bottlenecks_end_at_a_32nd_of_the_input(table: Table) -> None:
    strides = [row.stride for row in table.rows]
    assert 2 * 2 ** strides.count(2) == 32


@pytest.mark.parametrize("table", [LARGE, SMALL])
def test_minimalistic_has_neither_se_nor_hard_swish_nor_5x5(table: Table) -> None:
    minimal = minimalistic(table)
    assert {(row.kernel, row.se, row.activation) for row in minimal.rows} == {(3, False, "relu")}
    assert minimal.activation == "relu"
    assert [(r.expand, r.out, r.stride) for r in minimal.rows] == [(r.expand, r.out, r.stride) for r in table.rows]


@pytest.mark.parametrize(
    ("channels", "rounded"), [(12, 16), (18, 24), (3.2, 8), (60, 64), (84, 88), (120, 120), (8 * 0.35, 8), (35, 32)]
)
def test_rounding_of_known_counts(channels: float, rounded: int) -> None:
    assert make_divisible(channels) == rounded


@given(st.floats(min_value=0.1, max_value=5000.0))
def test_rounding_never_loses_more_than_a_tenth_and_gives_multiples_of_8(channels: float) -> None:
    rounded = make_divisible(channels)
    assert rounded % 8 == 0
    assert 0.9 * channels <= rounded <= max(8.0, channels + 8)
