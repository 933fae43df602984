"""Weights as float16: the sums that windows keep, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from tvm_mnv3.errors import InputError
from tvm_mnv3.passes.half_weights import rounded_to_half


def edge_filters(kernel: int) -> np.ndarray:
    """Windows whose weights nearly cancel, as the first depthwise kernel of a trained network has them, up to 47."""
    windows = np.random.default_rng(0).standard_normal((64, kernel, kernel, 1)) * 16
    return (windows - windows.mean(axis=(1, 2), keepdims=True)).astype(np.float32)


def in_the_order_of_rounding(windows: np.ndarray, like: np.ndarray) -> np.ndarray:
    """The weights of each window, as double, from the largest magnitude of `like` to its smallest."""
    order = np.argsort(-np.abs(like.reshape(len(like), -1)), axis=1, kind="stable")
    return np.take_along_axis(windows.reshape(len(windows), -1).astype(np.float64), order, axis=1)


def last_place(values: np.ndarray) -> np.ndarray:
    """A unit in the last place of float16 numbers."""
    return np.spacing(np.abs(values).astype(np.float16)).astype(np.float64)


@pytest.mark.parametrize("kernel", [3, 5])
def test_a_sum_is_kept_to_half_a_unit_of_its_last_weight(kernel: int) -> None:
    windows = edge_filters(kernel)
    rounded = rounded_to_half(windows, "")
    before, after = (in_the_order_of_rounding(each, windows) for each in (windows, rounded))
    assert rounded.dtype == np.float16
    assert rounded.shape == windows.shape
    assert (np.abs(after.sum(axis=1) - before.sum(axis=1)) <= last_place(after[:, -1]) / 2 + 1e-12).all()


def test_no_weight_moves_by_more_than_a_unit_of_the_one_before() -> None:
    windows = edge_filters(3)
    before, after = (in_the_order_of_rounding(each, windows) for each in (windows, rounded_to_half(windows, "")))
    moved = np.abs(after - before)
    assert (moved[:, 0] <= last_place(after[:, 0]) / 2).all()
    assert (moved[:, 1:] <= np.maximum(last_place(after[:, :-1]), last_place(after[:, 1:]))).all()


def test_like_pixels_through_a_window_lose_less_than_by_rounding_to_the_nearest() -> None:
    windows = edge_filters(3)
    pixels = 4 + np.random.default_rng(1).uniform(0, 0.01, (1000, 1, 3, 3, 1))

    def error(rounded: np.ndarray) -> float:
        return float(np.abs(((rounded.astype(np.float64) - windows) * pixels).sum(axis=(2, 3, 4))).mean())

    assert error(rounded_to_half(windows, "")) < 0.1 * error(windows.astype(np.float16))


def test_what_float16_holds_stays() -> None:
    exact = np.arange(-18, 18, dtype=np.float32).reshape(4, 3, 3, 1) / 8
    np.testing.assert_array_equal(rounded_to_half(exact, ""), exact)


def test_the_largest_number_does_not_overflow_by_what_is_taken_back() -> None:
    assert np.isfinite(rounded_to_half(np.float32([[65519, 65519, 65519]]), "")).all()


def test_what_float16_does_not_hold_is_refused() -> None:
    with pytest.raises(InputError, match=r"A weight of 7e\+04 is beyond float16's range of 65504; do this"):
        rounded_to_half(np.full((1, 3, 3, 1), 7e4, np.float32), "do this")
