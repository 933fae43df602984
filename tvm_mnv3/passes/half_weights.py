"""Weights as float16: what rounding changes in one of them, the next one takes back."""

from __future__ import annotations

import numpy as np

from tvm_mnv3.errors import InputError

HALF = "float16"


def rounded_to_half(weight: np.ndarray, advice: str) -> np.ndarray:
    """A weight ``(O, ...)`` as float16, the weights of each output with the sum that they had.

    They are rounded from the largest magnitude to the smallest, each to the nearest number, after what rounding changed
    in the one before is taken back. So their sum is kept to within half a unit in the last place of the one that is
    rounded last, and none moves by more than a unit in the last place of the larger of itself and the one before.

    What an output's weights meet is alike: the neighbouring pixels of a window, or channels that an activation has made
    positive. An error that their sum does not have, the output hardly has.

    Raises
    ------
    InputError
        A weight is beyond float16's range; `advice` says what to do about it.
    """
    check_range(weight, advice)
    rows = weight.reshape(len(weight), -1).astype(np.float64)
    order = np.argsort(-np.abs(rows), axis=1, kind="stable")
    wanted = np.take_along_axis(rows, order, axis=1)
    largest = np.finfo(HALF).max
    changed = np.zeros(len(rows))
    for place in range(rows.shape[1]):
        exact = wanted[:, place] - changed
        wanted[:, place] = exact.clip(-largest, largest).astype(HALF)
        changed = wanted[:, place] - exact
    np.put_along_axis(rows, order, wanted, axis=1)
    return rows.astype(HALF).reshape(weight.shape)


def check_range(constant: np.ndarray, advice: str) -> None:
    """Refuse what float16 cannot hold.

    Raises
    ------
    InputError
        With `advice` on what to do about it.
    """
    with np.errstate(over="ignore"):
        fits = np.isfinite(constant.astype(HALF)).all()
    if not fits:
        raise InputError(f"A weight of {np.abs(constant).max():.3g} is beyond float16's range of 65504; {advice}.")
