"""A template's assignments of knobs as points, so that one can be near another."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any


class KnobSpace:
    """All assignments of one workload's knobs.

    Parameters
    ----------
    assignments
        Typed knobs, in the template's order.
    """

    def __init__(self, assignments: Sequence[Any]) -> None:
        self.assignments = tuple(assignments)
        columns = zip(*map(_values, assignments), strict=True)
        places = [{value: place for place, value in enumerate(sorted(set(column)))} for column in columns]
        self._points = {
            knobs: tuple(place[value] for place, value in zip(places, _values(knobs), strict=True))
            for knobs in assignments
        }

    def nearest(self, centre: Any, among: Sequence[Any], count: int) -> list[Any]:
        """The assignments that are the fewest steps from `centre`, a step being the next value of one knob."""
        there = self._points[centre]
        return sorted(among, key=lambda knobs: self._steps(knobs, there))[:count]

    def corners(self) -> list[Any]:
        """The assignments that are nearest to the corners of the box around the space, each once.

        At a corner every knob has its first or its last value; most corners lie outside of the space.
        """
        extremes = [sorted({min(places), max(places)}) for places in zip(*self._points.values(), strict=True)]

        nearest = (
            min(self.assignments, key=lambda knobs: self._steps(knobs, corner))
            for corner in itertools.product(*extremes)
        )
        return list(dict.fromkeys(nearest))

    def _steps(self, knobs: Any, there: Sequence[int]) -> int:
        return sum(abs(a - b) for a, b in zip(self._points[knobs], there, strict=True))


def _values(knobs: Any) -> tuple[Any, ...]:
    """Of all knobs; `dataclasses.astuple` copies each deeply, which takes ten times as long."""
    return tuple(getattr(knobs, field.name) for field in dataclasses.fields(knobs))
