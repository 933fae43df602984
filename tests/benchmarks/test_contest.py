"""A contest on a real network: who is right is timed, who is missing or wrong is named."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks import kernels
from benchmarks.contest import TOLERANCE, Contest, difference, hold
from benchmarks.network import Network, prepare_network
from benchmarks.runtimes import MODULES

MODEL = "mobilenet_v3_small"
#: What the project's own requirements bring.
ALWAYS_THERE = {"tvm-mnv3", "onnxruntime", "pytorch-eager", "tvm-default"}


def ignore(line: str) -> None:
    """No progress."""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TVM_MNV3_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield prepare_network(MODEL)


def contest(network: Network, *runtimes: str) -> Contest:
    return Contest(network, threads=1, runtimes=runtimes, rounds=1, burst_seconds=0.0)


@pytest.mark.slow
def test_every_runtime_agrees_with_pytorch_or_is_missing_for_a_reason(network: Network) -> None:
    # Without inductor, which compiles for a minute.
    names = [name for name in MODULES if name != "pytorch-inductor"]
    results, missing = hold(contest(network, *names), ignore)
    assert {result.runtime for result in results} >= ALWAYS_THERE
    assert {each.runtime for each in [*results, *missing]} == set(names)
    assert all(0 < result.difference < TOLERANCE for result in results if result.runtime != "pytorch-eager")
    assert all(each.reason for each in missing)


@pytest.mark.slow
def test_one_that_is_not_installed_or_dies_is_named_with_the_reason(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "openvino.py").write_text("raise ModuleNotFoundError(\"No module named 'openvino'\")")
    (tmp_path / "ncnn.py").write_text("import os; os._exit(7)")
    monkeypatch.syspath_prepend(tmp_path)
    results, missing = hold(contest(network, "openvino", "ncnn", "onnxruntime"), ignore)
    assert [result.runtime for result in results] == ["onnxruntime"]
    reasons = {each.runtime: each.reason for each in missing}
    assert reasons["openvino"].startswith("not installed (No module named 'openvino')")
    assert reasons["ncnn"] == "its process ended with exit code 7"


@pytest.mark.slow
def test_wrong_logits_are_not_timed(network: Network, tmp_path: Path) -> None:
    other = dataclasses.replace(network, folder=tmp_path / "network")
    shutil.copytree(network.folder, other.folder)
    np.save(other.folder / "expected.npy", network.expected * 1.001)
    results, missing = hold(contest(other, "onnxruntime"), ignore)
    assert not results
    assert "logits differ from PyTorch's" in missing[0].reason


def test_difference_is_a_share_of_the_range() -> None:
    expected = np.array([[-1.0, 3.0]])
    assert difference(expected + np.array([[0.0, 0.04]]), expected) == pytest.approx(0.01)
    assert difference(expected[:, :1], expected) == float("inf")
    assert not difference(expected * np.nan, expected) <= TOLERANCE


@pytest.mark.slow
def test_kernels_of_a_network_are_timed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "kernels.json")
    assert kernels.main(["--model", MODEL, "--only", "pool_*", "--rounds", "1", "--json", file]) == 0
    assert "pool_h7w7_c576_f32" in capsys.readouterr().out
    assert kernels.main(["--model", MODEL, "--json", file]) == 2
    assert "--force" in capsys.readouterr().err
