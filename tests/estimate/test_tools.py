"""What is said where a tool is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tvm_mnv3.errors import EnvironmentProblem
from tvm_mnv3.estimate.tools import Tools, find_tools


def only(folder: Path, monkeypatch: pytest.MonkeyPatch, **programs: str) -> None:
    """Let the path hold nothing but these programs, under these names."""
    for name, target in programs.items():
        (folder / name.replace("_", "-")).symlink_to(target)
    monkeypatch.setenv("PATH", str(folder))


def test_missing_emulator_names_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(tmp_path, monkeypatch)
    with pytest.raises(EnvironmentProblem, match="apt-get install qemu-user"):
        find_tools()


def test_emulator_without_plugins_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    static = shutil.which("qemu-aarch64-static")
    if static is None:
        pytest.skip("no qemu-aarch64-static, which is an emulator without plugins")
    only(tmp_path, monkeypatch, qemu_aarch64=static)
    with pytest.raises(EnvironmentProblem, match="loads no plugins"):
        find_tools()


@pytest.mark.emulated
def test_missing_llvm_names_its_package(tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(tmp_path, monkeypatch, qemu_aarch64=tools.emulator)
    with pytest.raises(EnvironmentProblem, match=r"llvm-mc of LLVM 22 .* `apt-get install llvm-22`"):
        find_tools()


@pytest.mark.emulated
def test_program_of_another_version_does_not_count(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It answers --version, but not as LLVM 22.
    only(tmp_path, monkeypatch, qemu_aarch64=tools.emulator, llvm_mc=tools.emulator)
    with pytest.raises(EnvironmentProblem, match="llvm-mc of LLVM 22 is missing"):
        find_tools()
