"""Tiles cover their extent, and lanes fill registers where they can."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvm_mnv3.schedules import tiles
from tvm_mnv3.targets import load_core


@given(extent=st.integers(1, 300), vectors=st.integers(1, 8), lanes=st.sampled_from([1, 2, 4, 8, 16]))
def test_columns_of_all_tiles_are_every_channel_and_no_other(extent: int, vectors: int, lanes: int) -> None:
    channels = tiles.columns(extent, vectors, tiles.fitting_lanes(extent, lanes))
    assert set(np.unique(channels)) == set(range(extent))


@pytest.mark.parametrize(
    ("channels", "bits", "widths"),
    [(24, 512, [16, 8]), (40, 512, [16, 8]), (64, 512, [16]), (20, 512, [16]), (8, 512, [8]), (24, 128, [4])],
)
def test_half_registers_are_tried_where_they_waste_no_lane_and_whole_ones_do(
    channels: int, bits: int, widths: list[int]
) -> None:
    core = dataclasses.replace(load_core("cortex-a76"), vector_bits=bits)
    assert tiles.lane_widths(channels, core, "float32") == widths


@given(extent=st.integers(1, 300), vectors=st.integers(1, 8), lanes=st.sampled_from([1, 2, 4, 8, 16]))
def test_vectors_that_are_computed_again_are_whole_and_of_the_tile_before(
    extent: int, vectors: int, lanes: int
) -> None:
    lanes = tiles.fitting_lanes(extent, lanes)
    channels = tiles.columns(extent, vectors, lanes)
    again = tiles.again(extent, vectors, lanes)
    assert 0 <= again < vectors
    last = channels[-1, again:]
    if len(channels) > 1:
        assert set(channels[-1, :again].flat) <= set(channels[-2].flat)
        assert not set(last[0]) <= set(channels[-2].flat)
    assert {*channels[:-1].flat, *last.flat} == set(range(extent))
