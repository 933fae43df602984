"""The real V3-Small for this machine and for ARM, and ten pictures with the right answers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from examples.sample import pictures, real_small

from tvm_mnv3 import Bundle, CompileOptions


@pytest.fixture(scope="session")
def small_host(shared: Path, compiled: Callable[[CompileOptions], Bundle]) -> Bundle:
    return compiled(real_small(shared, "host"))


@pytest.fixture(scope="session")
def small_arm(shared: Path, compiled: Callable[[CompileOptions], Bundle]) -> Bundle:
    return compiled(real_small(shared, "arm"))


@pytest.fixture(scope="session")
def answers(shared: Path) -> dict[Path, int]:
    """The right class of each picture."""
    return pictures(shared)


@pytest.fixture(scope="session")
def stb() -> Path:
    """The folder of stb_image.h, with which the C and C++ examples read JPEG files."""
    folder = Path("/usr/include/stb")
    if not (folder / "stb_image.h").is_file():
        missing("no stb_image.h, with which the C examples read JPEG files (Debian: libstb-dev)")
    return folder


def missing(what: str) -> None:
    """Skip for want of a tool, but fail in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)
