from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.command_line import MODEL, Invoke, assert_refused

from tvm_mnv3.errors import EnvironmentProblem


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures with labels."""
    folder = tmp_path_factory.mktemp("labelled")
    random = np.random.default_rng(0)
    for number in range(6):
        Image.fromarray(random.integers(0, 256, (70, 80, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    rows = "".join(f"{number}.png,{number}\n" for number in range(6))
    (folder / "labels.csv").write_text(f"file,class_index\n{rows}")
    return folder


QUICKLY = ("--seconds", "0.1", "--reference", MODEL)


def test_validate_prints_accuracy_and_latency_and_writes_both_files(
    invoke: Invoke, bundle: Path, pictures: Path, tmp_path: Path
) -> None:
    files = ("--report", tmp_path / "page.html", "--json", tmp_path / "data.json")
    result = invoke("validate", bundle, "--images", pictures, *QUICKLY, "--layers", *files, "--min-agreement", 99)
    assert result.exit_code == 0, result.stderr
    for words in ("same best class", "100 %", "median", "labels.csv", "min_agreement", "passed", "no kernel departs"):
        assert words in result.stdout
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    assert json.loads((tmp_path / "data.json").read_text())["passed"] is True
    again = invoke("validate", bundle, "--images", pictures, *QUICKLY, *files)
    assert_refused(again, 2, "page.html", "--force")


def test_a_failed_gate_is_exit_code_1_and_a_line_each(
    invoke: Invoke, bundle: Path, pictures: Path, tmp_path: Path
) -> None:
    gates = tmp_path / "gates.toml"
    gates.write_text("[gates]\nmin_top1 = 99.0\nmax_median_ms = 1e-6\n")
    result = invoke("validate", bundle, "--images", pictures, *QUICKLY, "--gates", gates, "--max-p99-ms", "100000")
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if line.startswith("Gate failed: ")]
    assert len(lines) == 2
    assert "min_top1" in lines[0]
    assert "max_median_ms" in lines[1]


def test_bad_input_is_refused_in_a_line(invoke: Invoke, bundle: Path, pictures: Path, tmp_path: Path) -> None:
    assert_refused(invoke("validate", bundle, "--images", tmp_path / "none"), 2, "no such folder")
    assert_refused(invoke("validate", bundle, "--images", bundle), 2, "no pictures")
    assert_refused(invoke("validate", bundle, "--images", pictures, "--min-agreement", 1), 2, "needs a reference")
    (tmp_path / "labels.csv").write_text("file,class_index\n0.png,1000\n")
    result = invoke("validate", bundle, "--images", pictures, "--labels", tmp_path / "labels.csv")
    assert_refused(result, 2, "line 2", "1000")
    assert_refused(invoke("validate", bundle, "--images", pictures, "--reference", "toaster"), 2, "toaster")
    result = invoke("validate", bundle, "--images", pictures, "--device", "emulated:cortex-a76")
    assert_refused(result, 2, "x86_64")


def test_a_device_that_drops_out_is_exit_code_3_and_leaves_what_was_measured(
    invoke: Invoke, bundle: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drop_out(*arguments: object, **options: object) -> None:
        raise EnvironmentProblem("The cable is out.")

    monkeypatch.setattr("tvm_mnv3.validate.measure_latency", drop_out)
    data = tmp_path / "data.json"
    result = invoke("validate", bundle, "--images", pictures, *QUICKLY, "--json", data)
    assert result.exit_code == 3
    assert "marked partial. latency: The cable is out." in result.stderr
    assert "same best class" in result.stdout
    written = json.loads(data.read_text())
    assert written["partial"] == "latency: The cable is out."
    assert written["passed"] is False
    assert len(written["pictures"]) == 6
