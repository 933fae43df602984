"""A template's assignments of knobs as points, so that one can be near another."""

from __future__ import annotations

import dataclasses
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
        columns = zip(*map(dataclasses.astuple, assignments), strict=True)
        places = [{value: place for place, value in enumerate(sorted(set(column)))} for column in columns]
        self._points = {
            knobs: tuple(place[value] for place, value in zip(places, dataclasses.astuple(knobs), strict=True))
            for knobs in assignments
        }

    def nearest(self, centre: Any, among: Sequence[Any], count: int) -> list[Any]:
        """The assignments that are the fewest steps from `centre`, a step being the next value of one knob."""
        there = self._points[centre]

        def steps(knobs: Any) -> int:
            return sum(abs(a - b) for a, b in zip(self._points[knobs], there, strict=True))

        return sorted(among, key=steps)[:count]
