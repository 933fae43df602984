from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from support.command_line import MODEL, QUICK, Invoke, assert_refused, start
from typer.testing import Result

from tvm_mnv3.compile import STAGES


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file below a folder."""
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_stages_are_told_on_stderr_and_the_result_on_stdout(compilation: tuple[Path, Result]) -> None:
    bundle, result = compilation
    lines = result.stderr.splitlines()
    assert [line.rsplit(maxsplit=2)[0] for line in lines] == ["start", *STAGES]
    for fact in ("library size", "planned memory", "multiply-adds", "from templates", "random (seed 0)", "default for"):
        assert fact in result.stdout
    assert str(bundle) in result.stdout


def test_the_closing_table_agrees_with_the_manifest(compilation: tuple[Path, Result]) -> None:
    bundle, result = compilation
    manifest = json.loads((bundle / "model.json").read_text())
    assert f"{manifest['sizes']['library'] / 1e6:.1f} MB" in result.stdout
    assert f"{manifest['sizes']['multiply_adds'] / 1e6:.1f} M" in result.stdout
    assert f"{sum(kernel['uses'] for kernel in manifest['kernels'])} calls a run" in result.stdout


def test_weights_that_cannot_be_downloaded_are_told_in_plain_sight(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TVM_MNV3_WEIGHTS_URL", (tmp_path / "nowhere").as_uri())
    monkeypatch.setenv("TVM_MNV3_CACHE", str(tmp_path / "cache"))
    result = invoke("compile", "mobilenet_v3_small", "--size", "32", "--target", "host", "-o", "bundle")
    assert result.exit_code == 0, result.stderr
    assert "the weights are random" in " ".join(result.stdout.split())
    assert (
        "the weights are random" in json.loads((tmp_path / "bundle" / "model.json").read_text())["provenance"]["note"]
    )

    result = invoke("compile", "mobilenet_v3_small", "--weights", "pretrained", "--target", "host", "-o", "other")
    assert_refused(result, 3, "cannot be downloaded", "--weights")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.onnx"], ["missing.onnx"]),
        (["mobilenet_v3_smal"], ["mobilenet_v3_smal", "Did you mean mobilenet_v3_small"]),
        (["broken.onnx"], ["broken.onnx"]),
        (["broken.pt2"], ["broken.pt2"]),
        (["weights.pth"], ["weights.pth", "--weights"]),
        ([MODEL, "--core", "cortexa76"], ["cortexa76", "Did you mean 'cortex-a76'"]),
        ([MODEL, "--target", "wasm"], ["--target", "wasm"]),
        ([MODEL, "--target", "host", "--core", "cortex-a76"], ["--core"]),
        ([MODEL, "--size", "100"], ["--size 100", "32"]),
        ([MODEL, "--weights", "weights.pth"], ["weights.pth"]),
        ([MODEL, "--weights", "random", "--prefix", "9lives"], ["--prefix", "9lives"]),
        ([MODEL, "--input-shape", "input=big"], ["--input-shape", "input=1,3,224,224"]),
        (["broken.onnx", "--classes", "10"], ["--classes"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_compiled_is_one_sentence_and_leaves_nothing(
    invoke: Invoke, tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    for name in ("broken.onnx", "broken.pt2", "weights.pth"):
        (tmp_path / name).write_bytes(b"\x08\x07\x12 not a model")
    before = sorted(tmp_path.iterdir())
    assert_refused(invoke("compile", *arguments), 2, *words)
    assert sorted(tmp_path.iterdir()) == before


def test_a_truncated_onnx_file_is_refused_by_name(invoke: Invoke, tmp_path: Path, shared: Path) -> None:
    whole = (shared / "models" / "mobilenet_v3_small_imagenet1001_fp32.onnx").read_bytes()
    (tmp_path / "half.onnx").write_bytes(whole[: len(whole) // 2])
    assert_refused(invoke("compile", "half.onnx"), 2, "half.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["half.onnx"]


def test_a_bundle_is_replaced_only_with_force_and_other_folders_never(
    invoke: Invoke, bundle: Path, tmp_path: Path
) -> None:
    before = {file.name: file.stat().st_mtime_ns for file in bundle.iterdir()}
    assert_refused(invoke("compile", *QUICK, "-o", bundle), 2, str(bundle), "--force")
    assert {file.name: file.stat().st_mtime_ns for file in bundle.iterdir()} == before

    (tmp_path / "thesis.txt").write_text("years of work")
    assert_refused(invoke("compile", *QUICK, "-o", tmp_path, "--force"), 2, str(tmp_path), "not a bundle")
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_default_folder_names_model_target_and_precision_and_force_replaces_it(
    invoke: Invoke, bundle: Path, tmp_path: Path
) -> None:
    default = tmp_path / f"{MODEL}_host_fp32"
    default.mkdir()
    (default / "model.json").write_text("an older bundle")
    result = invoke("compile", *QUICK, "--force", "--dump-ir", "ir")
    assert result.exit_code == 0, result.stderr
    assert contents(default) == contents(bundle)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ir", default.name]
    assert "R.function" in (tmp_path / "ir" / "00_imported.py").read_text()


def test_float16_weights_are_told_and_name_the_default_folder(invoke: Invoke, bundle: Path, tmp_path: Path) -> None:
    result = invoke("compile", *QUICK, "--weights-storage", "fp16")
    assert result.exit_code == 0, result.stderr
    stored = json.loads((tmp_path / f"{MODEL}_host_fp32w16" / "model.json").read_text())
    assert (stored["precision"], stored["weights_storage"]) == ("fp32", "fp16")
    assert f"{stored['sizes']['weights'] / 1e6:.1f} MB as float16, random (seed 0)" in result.stdout
    assert "MB as float32, random (seed 0)" in invoke("inspect", bundle).stdout


@pytest.mark.slow
@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_nothing_behind(number: signal.Signals, exit_code: int, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # else a background shell's child would ignore it
    try:
        process = start("compile", *QUICK, "-o", str(tmp_path / "bundle"), cwd=tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("schedules"):  # the library is made next, and the unfinished folder with it
            break
    os.kill(process.pid, number)
    out, err = process.communicate()
    assert process.returncode == exit_code
    assert out == ""
    assert err.splitlines()[-1] == f"Interrupted ({number.name})."
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []
