"""Calls in a process of their own: what they import and allocate is gone when they return."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def call_in_own_process(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """What the function, which must be a module's own, returns or raises."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, args, kwargs)
