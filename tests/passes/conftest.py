"""The golden files of the passes: `pytest tests/passes --regenerate-golden` writes them anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate-golden", action="store_true", help="write the golden IR of the passes anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Asserts that a text is the golden file's of that name; writes the file where that was asked for."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--regenerate-golden", default=False):
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"no golden file {name}; `pytest tests/passes --regenerate-golden` writes it"
        assert text == path.read_text(encoding="utf-8")

    return check
