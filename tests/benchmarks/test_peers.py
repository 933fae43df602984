"""The command line: what it refuses before it works for minutes."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest

from benchmarks.peers import main
from tvm_mnv3.errors import EnvironmentProblem
from tvm_mnv3.measuring.machine import choose_cpus, describe_machine


def test_unknown_runtime_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--runtimes", "onnxruntime,onxruntime"]) == 2
    assert "--runtimes: there is no onxruntime; there are tvm-mnv3, onnxruntime," in capsys.readouterr().err


def test_existing_file_is_not_overwritten_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "results.json"
    file.write_text("precious")
    assert main(["--json", str(file)]) == 2
    assert "--force" in capsys.readouterr().err
    assert file.read_text() == "precious"


def test_more_threads_than_cpus_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--threads", "100000"]) == 3
    assert "100000 threads need as many CPUs" in capsys.readouterr().err


def test_cpus_are_different_ones_of_this_process() -> None:
    assert len(choose_cpus(1)) == 1
    with pytest.raises(EnvironmentProblem, match="lower --threads"):
        choose_cpus(100_000)


def test_machine_is_described_without_its_name() -> None:
    described = json.dumps(describe_machine())
    assert platform.release() in described
    assert platform.node() not in described
