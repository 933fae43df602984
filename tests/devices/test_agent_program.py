"""How the agent is built: small, static, once, and by an NDK where one is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.toolchain import ToolchainError
from tvm_mnv3.devices.agent_program import agent_program
from tvm_mnv3.errors import EnvironmentProblem

#: The bar.
MOST_BYTES = 400_000


def test_the_agent_is_small_static_and_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TVM_NDK_CC", raising=False)
    program = agent_program()
    made = program.stat().st_mtime_ns

    assert agent_program() == program
    assert program.stat().st_mtime_ns == made
    assert program.stat().st_size <= MOST_BYTES
    with program.open("rb") as file:
        elf = ELFFile(file)
        assert elf["e_machine"] == "EM_AARCH64"
        kinds = {segment["p_type"] for segment in elf.iter_segments()}
    assert not kinds & {"PT_INTERP", "PT_DYNAMIC"}


def test_an_ndk_that_is_named_is_asked_to_build_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No NDK is at hand: a script takes its place, which proves how one is called, not that its libc links."""
    compiler = tmp_path / "aarch64-linux-android24-clang++"
    compiler.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/words\nfor word; do :; done\necho program > "$word"\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("TVM_MNV3_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TVM_NDK_CC", str(compiler))

    assert agent_program().read_text() == "program\n"
    words = (tmp_path / "words").read_text().split()
    assert {"-static", "-std=c++17", str(runtime.FOLDER / "agent" / "main.cc")} <= set(words)
    # The NDK has the compiled half of its C++ library.
    assert not any("standard_library" in word for word in words)


@pytest.mark.parametrize(
    ("compiler", "error", "said"),
    [
        ("/no/such/clang++", EnvironmentProblem, "TVM_NDK_CC names the compiler /no/such/clang.*cannot be run"),
        ("false", ToolchainError, r"The compiler false \(TVM_NDK_CC\) failed: it said nothing"),
    ],
)
def test_an_ndk_that_does_not_work_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, compiler: str, error: type[Exception], said: str
) -> None:
    monkeypatch.setenv("TVM_MNV3_CACHE", str(tmp_path))
    monkeypatch.setenv("TVM_NDK_CC", compiler)

    with pytest.raises(error, match=said):
        agent_program()
