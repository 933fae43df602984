"""The programs that an estimate needs and Python does not bring: QEMU with plugins, and LLVM's machine-code tools."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

from tvm_mnv3.errors import EnvironmentProblem

#: Its core models are the ones that the figures of other runtimes were made with; older versions answer with others.
LLVM_VERSION = 22


@dataclass(frozen=True)
class Tools:
    """Paths of the programs.

    Parameters
    ----------
    emulator
        ``qemu-aarch64`` that loads plugins.
    disassembler, pipeline_model
        ``llvm-mc`` and ``llvm-mca`` of `LLVM_VERSION`.
    """

    emulator: str
    disassembler: str
    pipeline_model: str


def find_tools() -> Tools:
    """Look for all of them on the path.

    Raises
    ------
    EnvironmentProblem
        One is missing, or cannot do what is needed; the message names Debian's package.
    """
    return Tools(_plugin_emulator(), _llvm("llvm-mc"), _llvm("llvm-mca"))


def _plugin_emulator() -> str:
    found = shutil.which("qemu-aarch64")
    if found is None:
        raise EnvironmentProblem(
            "The emulator qemu-aarch64 is missing, which counts the instructions. On Debian and Ubuntu install it with "
            "`apt-get install qemu-user libc6-arm64-cross`."
        )
    if "-plugin" not in _output(found, "-h"):
        raise EnvironmentProblem(
            f"{found} loads no plugins (static builds do not), so it cannot count instructions. On Debian and Ubuntu "
            "install the dynamic one with `apt-get install qemu-user`."
        )
    return found


def _llvm(name: str) -> str:
    """The tool of the one version whose models count, whether or not it carries its version in its name."""
    for candidate in (f"{name}-{LLVM_VERSION}", name):
        found = shutil.which(candidate)
        if found is not None and f"LLVM version {LLVM_VERSION}." in _output(found, "--version"):
            return found
    raise EnvironmentProblem(
        f"{name} of LLVM {LLVM_VERSION} is missing, which holds the models of the cores. On Debian and Ubuntu install "
        f"it with `apt-get install llvm-{LLVM_VERSION}`."
    )


def _output(*command: str) -> str:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace").stdout
