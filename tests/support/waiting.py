"""Waiting for what happens in other processes."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_SECONDS = 60


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until it holds; `what` is said where it never does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"{what}, after {PATIENCE_SECONDS} s"
        time.sleep(0.05)
