"""Times that spread are taken again, a hot device is left to cool, and neither for ever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tvm_mnv3.tuning.steady import COOL, HOT, steady_times, wait_until_cool

CALM, NOISY, NOISIER = (1.0, 1.0, 1.01), (1.0, 1.5, 2.0), (1.0, 2.0, 4.0)


def measured(series: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], list[float]]:
    """The result of measurements that give these one after another, and the pauses."""
    pauses: list[float] = []
    rest = iter(series)
    return steady_times(lambda: next(rest), pauses.append), pauses


def test_calm_times_are_taken_as_they_are() -> None:
    assert measured([CALM]) == (CALM, [])


def test_noisy_times_are_repeated_after_a_pause_until_calm() -> None:
    assert measured([NOISY, CALM]) == (CALM, [1.0])


def test_calmest_counts_where_none_is_calm() -> None:
    assert measured([NOISIER, NOISY, NOISIER]) == (NOISY, [1.0, 2.0])


def waited(temperatures: Iterator[float | None]) -> float:
    pauses: list[float] = []
    wait_until_cool(lambda: next(temperatures), pauses.append)
    return sum(pauses)


def test_hot_device_is_left_until_it_is_cool() -> None:
    assert waited(iter([HOT - 1])) == 0
    assert waited(iter([None])) == 0
    assert waited(iter([HOT + 10, HOT - 1, COOL + 1, COOL])) == 15


def test_device_that_never_cools_is_used_in_the_end() -> None:
    always_hot = iter([HOT] * 1000)
    assert 60 < waited(always_hot) < 600
