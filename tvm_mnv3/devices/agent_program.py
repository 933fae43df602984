"""The device agent, built on first use: a static program for 64-bit ARM, the same for Android and Linux."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from tvm_mnv3.codegen.files import replacing
from tvm_mnv3.codegen.toolchain import ToolchainError, archive, compile_c, link_executable
from tvm_mnv3.devices.helpers import built_once
from tvm_mnv3.errors import EnvironmentProblem
from tvm_mnv3.runtime import AGENT_HEADERS, AGENT_SOURCES, FOLDER

ARM_TRIPLE = "aarch64-linux-musl"
_MAIN = "main.cc"

#: What no code reaches is left out: a phone's loader has nothing to gain from it.
_SECTIONS = ("-ffunction-sections", "-fdata-sections")


def agent_program(triple: str = ARM_TRIPLE) -> Path:
    """The agent for a triple; ``tvm_mnv3/runtime/agent/main.cc`` says how it is called.

    It is compiled with ziglang and musl. For ARM, a C++ compiler of an Android NDK does it instead when the variable
    ``TVM_NDK_CC`` names one (``.../aarch64-linux-android24-clang++``).

    Raises
    ------
    EnvironmentProblem
        The compiler is missing, or failed.
    """
    ndk = os.environ.get("TVM_NDK_CC") if triple == ARM_TRIPLE else None
    build = _with_ndk(ndk) if ndk else _with_zig(triple)
    return built_once("agent", ndk or triple, (*AGENT_SOURCES, *AGENT_HEADERS, Path(__file__)), build)


def link_agent(sources: Sequence[Path], triple: str, folder: Path, out: Path) -> Path:
    """Compile a program into a folder, its ``main`` among the sources, and link it with all other parts of the agent.

    Raises
    ------
    ToolchainError
        A source does not compile.
    """
    objects = _compile(sources, triple, folder)
    return link_executable([*objects, _agent_parts(triple)], triple=triple, out=out, static=True)


def _compile(sources: Sequence[Path], triple: str, folder: Path) -> list[Path]:
    return compile_c(
        sources, triple=triple, out=folder, include=[FOLDER], optimize="-Os", freestanding=False, extra=_SECTIONS
    )


def _agent_parts(triple: str) -> Path:
    """All of the agent but its ``main``, as a static library."""
    sources = [source for source in AGENT_SOURCES if source.name != _MAIN]

    def build(folder: Path, out: Path) -> None:
        archive(_compile(sources, triple, folder), out)

    return built_once("libagent.a", triple, (*sources, *AGENT_HEADERS, Path(__file__)), build)


def _with_zig(triple: str) -> Callable[[Path, Path], None]:
    def build(folder: Path, out: Path) -> None:
        link_agent([source for source in AGENT_SOURCES if source.name == _MAIN], triple, folder, out)

    return build


def _with_ndk(compiler: str) -> Callable[[Path, Path], None]:
    words = shlex.split(compiler)
    # An NDK has the compiled half of its C++ library, under names of its own.
    sources = [source for source in AGENT_SOURCES if source.name != "standard_library.cc"]

    def build(_: Path, out: Path) -> None:
        if shutil.which(words[0]) is None:
            raise EnvironmentProblem(
                f"TVM_NDK_CC names the compiler {words[0]}, which cannot be run; correct it, or unset it to compile "
                "the agent with ziglang."
            )
        with replacing(out) as unfinished:
            done = subprocess.run(
                [
                    *words, "-std=c++17", "-fno-exceptions", "-fno-rtti", "-Os", *_SECTIONS, f"-I{FOLDER}",
                    *map(str, sources), "-static", "-s", "-Wl,--gc-sections", "-o", str(unfinished),
                ],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            )  # fmt: skip
            if done.returncode != 0:
                errors = [line for line in done.stderr.splitlines() if "error" in line] or ["it said nothing"]
                raise ToolchainError(f"The compiler {words[0]} (TVM_NDK_CC) failed: {errors[0].strip()}")

    return build
