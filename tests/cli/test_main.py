from __future__ import annotations

import os
import pty
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

import pytest
from support.command_line import Invoke, start

import tvm_mnv3


@pytest.mark.parametrize(
    "command", [[], ["compile"], ["run"], ["inspect"], ["models"], ["targets"], ["devices"], ["farm"]]
)
def test_help_brings_neither_tvm_nor_torch_nor_numpy(command: list[str], tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from tvm_mnv3.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print('IMPORTED', {name.split('.')[0] for name in sys.modules} & {'tvm', 'torch', 'numpy'})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "Usage:" in done.stdout
    assert done.stdout.splitlines()[-1] == "IMPORTED set()"


def test_version_names_this_project_and_tvm(invoke: Invoke) -> None:
    result = invoke("--version")
    assert result.exit_code == 0
    assert result.stdout == f"tvm-mnv3 {tvm_mnv3.__version__} (apache-tvm {version('apache-tvm')})\n"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["compile", "--no-such-option"], "--no-such-option"),
        (["compile", "--batch", "0"], "--batch"),
        (["compile", "one", "two"], "two"),
        (["compil"], "compil"),
        (["run", "bundle"], "--image"),
        (["run", "bundle", "--image", "x.jpg", "--top", "none"], "--top"),
        (["inspect"], "BUNDLE|MODEL"),
    ],
)
def test_wrong_usage_exits_2_and_points_to_help(invoke: Invoke, arguments: list[str], word: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert word in result.stderr
    assert "--help" in result.stderr


def test_a_pipe_gets_no_control_codes(tmp_path: Path) -> None:
    out, err = start("models", cwd=tmp_path, TERM="xterm-256color").communicate()
    assert "mobilenet_v3_large" in out
    assert "\x1b" not in out + err


@pytest.mark.parametrize("plain", [False, True])
def test_a_terminal_gets_colours_unless_no_color_is_set(plain: bool, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "NO_COLOR": "1" if plain else ""}
    script = Path(sysconfig.get_path("scripts"), "tvm-mnv3")
    process = subprocess.Popen([script, "inspect", "mobilenet_v3_small"], cwd=tmp_path, env=environment, stdout=theirs)
    os.close(theirs)
    assert ("\x1b[36m" in _read(ours)) != plain
    assert process.wait() == 0


def _read(terminal: int) -> str:
    """All that is written to a terminal until its last writer has gone."""
    pieces = []
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux's way to say end of file on a pty
            piece = b""
        if not piece:
            os.close(terminal)
            return b"".join(pieces).decode()
        pieces.append(piece)
