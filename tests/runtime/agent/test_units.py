"""The parts of the agent, each tested in C++ (*_units.cc) and run under the emulator."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.agent_kernels import build_kernels

from tvm_mnv3.devices.agent_program import ARM_TRIPLE, link_agent

SOURCES = sorted(Path(__file__).parent.glob("*units.cc"))
NAMES = [name for source in SOURCES for name in re.findall(r"^TEST\((\w+)\)", source.read_text(), flags=re.MULTILINE)]


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("units")
    return link_agent(SOURCES, ARM_TRIPLE, folder, folder / "units")


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_kernels(tmp_path_factory.mktemp("kernels"))


@pytest.mark.emulated
@pytest.mark.parametrize("name", NAMES)
def test_unit(name: str, units: Path, kernels: Path, emulator: str, tmp_path: Path) -> None:
    shutil.copy(kernels, tmp_path)
    done = subprocess.run([emulator, str(units), name, str(tmp_path)], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
