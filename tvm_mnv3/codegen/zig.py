"""zig's tools, run in an environment of their own; and what they mean when they refuse."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys

from tvm_mnv3.cache import cache_folder
from tvm_mnv3.errors import EnvironmentProblem

#: All that the tools may see of this process's environment.
_KEPT_VARIABLES = ("HOME", "PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE", "TMPDIR")


class ToolchainError(EnvironmentProblem):
    """The compiler or the linker refused its input."""


class UndefinedSymbolError(ToolchainError):
    """A library needs symbols that none of its objects defines, or should export them.

    Attributes
    ----------
    symbols
        Their names, sorted.
    """

    def __init__(self, message: str, symbols: tuple[str, ...]) -> None:
        super().__init__(message)
        self.symbols = symbols


def run_zig(tool: str, *arguments: str) -> None:
    """Run one of zig's tools, apart from this process's folder and environment.

    Raises
    ------
    UndefinedSymbolError, ToolchainError
        The tool refused its input.
    EnvironmentProblem
        There is no zig, or no place for its cache.
    """
    if importlib.util.find_spec("ziglang") is None:
        raise EnvironmentProblem(
            "The C toolchain is missing: the Python package ziglang is not installed. "
            "Install it with `python -m pip install ziglang==0.17.1`."
        )
    cache = cache_folder() / "zig"
    cache.mkdir(exist_ok=True)
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    environment |= {"ZIG_GLOBAL_CACHE_DIR": str(cache), "ZIG_LOCAL_CACHE_DIR": str(cache), "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-m", "ziglang", tool, *arguments],
        cwd=cache, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, errors="replace",
    )  # fmt: skip
    if done.returncode != 0:
        raise _failure(tool, done.stdout + done.stderr)


def _failure(tool: str, said: str) -> ToolchainError:
    """What a failed tool's output means."""
    undefined = sorted(set(re.findall(r"undefined symbol: (\S+)", said)))
    if undefined:
        return UndefinedSymbolError(
            f"The library cannot stand alone: it needs {', '.join(undefined)}, which nothing in it defines.",
            tuple(undefined),
        )
    unexportable = sorted(set(re.findall(r"symbol '(\S+)' failed: symbol not defined", said)))
    if unexportable:
        return UndefinedSymbolError(
            f"The library cannot export {', '.join(unexportable)}: nothing in it defines that.",
            tuple(unexportable),
        )
    errors = [line for line in said.splitlines() if "error" in line]
    first = (errors or said.splitlines() or ["it said nothing"])[0]
    return ToolchainError(f"The toolchain (zig {tool}) failed: {first.strip()}")
