"""Intervals against published numbers and against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from tvm_mnv3.validation.intervals import median, paired_drop, proportion


def test_a_share_has_wilson_s_interval() -> None:
    # Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I: 81 of 263.
    found = proportion(81, 263)
    assert found.value == pytest.approx(30.80, abs=0.01)
    assert (found.low, found.high) == pytest.approx((25.53, 36.62), abs=0.01)


def test_no_share_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        proportion(0, 0)


def test_a_drop_counts_only_where_the_two_differ() -> None:
    found = paired_drop(only_first=12, only_second=2, count=100)
    assert found.value == 10
    assert 0 < found.low < 10 < found.high
    none = paired_drop(0, 0, 500)
    assert none.value == 0
    assert none.low == -none.high < 0


def test_the_interval_of_a_median_holds_it_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    samples = [median(random.lognormal(size=60).tolist()) for _ in range(400)]
    assert 0.93 <= np.mean([found.low <= 1.0 <= found.high for found in samples]) <= 0.99


def test_of_few_values_all_that_is_known_of_the_median_is_their_range() -> None:
    found = median([3.0, 1.0, 2.0])
    assert (found.value, found.low, found.high) == (2.0, 1.0, 3.0)
