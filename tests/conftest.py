"""Fixtures that every test can use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real weights and pictures beside the checkout; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("TVM_MNV3_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    if not (folder / "models").is_dir():
        pytest.skip("no folder `shared` with real weights and pictures beside the checkout (or in TVM_MNV3_SHARED)")
    return folder
