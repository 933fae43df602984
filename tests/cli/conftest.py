"""What the tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from support import command_line
from support.command_line import QUICK, Invoke
from typer.testing import Result


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Runs a command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TVM_MNV3_DEBUG", raising=False)
    # Set by pytest-xdist in its workers: as in a narrow terminal, where tables are folded.
    monkeypatch.delenv("COLUMNS", raising=False)
    return command_line.invoke


@pytest.fixture(scope="session")
def compilation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A bundle that ``compile`` made, and what it printed."""
    bundle = tmp_path_factory.mktemp("cli") / "small bundle"
    result = command_line.invoke("compile", *QUICK, "-o", bundle)
    assert result.exit_code == 0, result.stderr
    return bundle, result


@pytest.fixture(scope="session")
def bundle(compilation: tuple[Path, Result]) -> Path:
    """A bundle that ``compile`` made."""
    return compilation[0]


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of a grey ramp."""
    file = tmp_path_factory.mktemp("pictures") / "ramp.png"
    Image.linear_gradient("L").resize((96, 80)).save(file)
    return file
