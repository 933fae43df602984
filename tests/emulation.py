"""What a test does where the emulator, or a loader for it, is missing: skip with the reason, but fail in CI."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import pytest

from tvm_mnv3.errors import EnvironmentProblem

Found = TypeVar("Found")


def required(find: Callable[[], Found]) -> Found:
    """What `find` finds; where it raises `EnvironmentProblem`, the test skips (or fails when ``CI=true``)."""
    try:
        return find()
    except EnvironmentProblem as problem:
        if os.environ.get("CI") == "true":
            pytest.fail(str(problem))
        pytest.skip(str(problem))
