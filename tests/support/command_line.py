"""Runs the command line, in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner, Result

from tvm_mnv3.cli import app

#: The quickest network to compile that still has every operator of the family.
MODEL = "mobilenet_v3_small_035"
QUICK = (MODEL, "--weights", "random", "--size", "64", "--target", "host")

Invoke = Callable[..., Result]


def invoke(*arguments: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def start(*arguments: str, cwd: Path, **environment: str) -> subprocess.Popen[str]:
    """The installed command as a process of its own, its output in pipes."""
    script = Path(sysconfig.get_path("scripts"), "tvm-mnv3")
    return subprocess.Popen(
        [str(script), *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def assert_refused(result: Result, exit_code: int, *words: str) -> None:
    """The command failed with one line on stderr that has these words, and nothing else was said."""
    assert result.exit_code == exit_code, result.output
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if not _is_stage(line)]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    for word in words:
        assert word in lines[0]


def _is_stage(line: str) -> bool:
    return line.endswith(" s") and line.split()[-2].replace(".", "").isdecimal()
