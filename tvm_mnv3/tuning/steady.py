"""Measuring until times agree: what spreads too much is repeated after a pause, and a hot device is left to cool."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from tvm_mnv3.tuning.entry import CALM_SPREAD, relative_spread

#: How often a noisy measurement is repeated, and the seconds before that: what disturbed it may be over then.
_ATTEMPTS = 3
_PAUSE = 1.0
#: A phone's processor is slowed down from about 70 degrees Celsius on; well before, its clock begins to wander.
HOT = 60.0
COOL = 50.0
#: Seconds: longest wait for a device to cool, and between two looks at it.
_LONGEST_WAIT = 240.0
_LOOK = 5.0


def steady_times(
    measure: Callable[[], Sequence[float]], pause: Callable[[float], None] = time.sleep, *, patient: bool = True
) -> tuple[float, ...]:
    """The calmest of a few measurements, each some times of one run; the first that is calm is the last.

    Parameters
    ----------
    patient
        Otherwise the first is taken as it is.
    """
    best: tuple[float, ...] = tuple(measure())
    for attempt in range(1, _ATTEMPTS if patient else 1):
        if relative_spread(best) <= CALM_SPREAD:
            break
        pause(attempt * _PAUSE)
        best = min(best, tuple(measure()), key=relative_spread)
    return best


def is_hot(temperature: float | None) -> bool:
    """Whether a device is to be left to cool; one that does not tell is not."""
    return temperature is not None and temperature >= HOT


def wait_until_cool(temperature: Callable[[], float | None], pause: Callable[[float], None] = time.sleep) -> None:
    """Return at once from a device that is not hot; else when it is cool, or after minutes: some never are.

    Parameters
    ----------
    temperature
        In degrees Celsius; None where the device does not tell.
    """
    now = temperature()
    if not is_hot(now):
        return
    waited = 0.0
    while now is not None and now > COOL and waited < _LONGEST_WAIT:
        pause(_LOOK)
        waited += _LOOK
        now = temperature()
