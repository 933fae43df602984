"""The helpers that devices build and keep."""

from __future__ import annotations

from pathlib import Path

import doubler
import pytest

from tvm_mnv3.devices.helpers import pool_library


def test_a_helper_is_built_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TVM_MNV3_CACHE", str(tmp_path))
    first = pool_library(doubler.HOST)
    made = first.stat().st_mtime_ns

    assert pool_library(doubler.HOST) == first
    assert first.stat().st_mtime_ns == made
    assert tmp_path in first.parents


def test_helpers_for_different_machines_stay_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TVM_MNV3_CACHE", str(tmp_path))

    assert pool_library("aarch64-linux-musl") != pool_library("x86_64-linux-gnu")
