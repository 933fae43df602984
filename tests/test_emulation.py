"""A missing emulator: a skipped test at home, a failed one in CI."""

from __future__ import annotations

import pytest
from emulation import required

from tvm_mnv3.errors import EnvironmentProblem


def missing() -> str:
    raise EnvironmentProblem("The emulator is missing.")


def test_in_ci_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="The emulator is missing"):
        required(missing)


def test_elsewhere_it_skips_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="The emulator is missing"):
        required(missing)
