"""What a wheel of this project holds, and that the README's commands are the ones that CI runs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: All that building takes, beside the package's own folders.
BUILD_FILES = ("pyproject.toml", "README.md", "LICENSE")
FOLDERS = {
    "tvm_mnv3": "tvm_mnv3",
    "schedules": "tvm_mnv3/schedules",
    "targets": "tvm_mnv3/targets",
    "tuning_logs": "tvm_mnv3/tuning_logs",
}
SHIPPED = {".py", ".toml", ".txt", ".json", ".jsonl", ".c", ".cc", ".h", ".S", ".in", ".typed", ".css", ".j2", ".js"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel built from a copy, so that nothing of an earlier build gets in."""
    pytest.importorskip("setuptools", minversion="77", reason="building without the network needs setuptools 77")
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in BUILD_FILES:
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", out, source]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (file,) = out.glob("tvm_mnv3-*-py3-none-any.whl")
    return zipfile.ZipFile(file)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    """The wheel's METADATA."""
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_of_every_room_is_in_the_wheel(wheel: zipfile.ZipFile, folder: str) -> None:
    files = [path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*") if path.suffix in SHIPPED]
    wanted = {f"{FOLDERS[folder]}/{path.as_posix()}" for path in files if not path.parts[0].startswith(".")}
    assert wanted
    assert wanted <= set(wheel.namelist())


def test_the_wheel_has_the_data_that_the_rooms_read(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    for name in (
        "py.typed",
        "runtime/tvm_mnv3.h",
        "runtime/model.c.in",
        "targets/cortex-a76.toml",
        "schedules/gemm.py",
    ):
        assert f"tvm_mnv3/{name}" in names
    assert any(name.startswith("tvm_mnv3/models/") and name.endswith(".txt") for name in names)


def test_the_wheel_leaves_no_module_but_tvm_mnv3(wheel: zipfile.ZipFile) -> None:
    assert {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" not in name} == {"tvm_mnv3"}


def test_dependencies_bring_no_gpu_build_of_xgboost_and_the_one_tvm_that_works(metadata: Message) -> None:
    needed = {re.split(r"[^\w.-]", text, maxsplit=1)[0]: text for text in metadata.get_all("Requires-Dist", [])}
    assert "xgboost-cpu" in needed
    assert "xgboost" not in needed
    assert needed["apache-tvm"] == "apache-tvm==0.27.0.post1"
    assert needed["apache-tvm-ffi"] == "apache-tvm-ffi==0.1.14.post1"


def test_the_entry_point_is_the_command_line(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt"))
    assert wheel.read(name).decode().split("\n")[:2] == ["[console_scripts]", "tvm-mnv3 = tvm_mnv3.cli:main"]


def test_ci_runs_exactly_the_test_command_of_the_readme() -> None:
    commands = re.findall(r"^pip install .* && pytest$", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    assert len(commands) == 1
    assert commands[0] in (ROOT / ".ci" / "run").read_text().splitlines()
