from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.command_line import Invoke, assert_refused

from tvm_mnv3 import load


def test_run_prints_what_the_python_api_answers(invoke: Invoke, bundle: Path, picture: Path) -> None:
    result = invoke("run", bundle, "--image", picture, "--top", "3", "--threads", "2")
    assert result.exit_code == 0, result.stderr
    with load(bundle) as model:
        answers = model.classify(picture, top=3)
    printed = [line.strip().split(maxsplit=2) for line in result.stdout.splitlines() if "%" in line]
    assert printed == [[f"{a.probability:.2%}", str(a.index), a.label] for a in answers]


def test_run_says_that_random_weights_mean_nothing(invoke: Invoke, bundle: Path, picture: Path) -> None:
    assert "random (seed 0)" in invoke("run", bundle, "--image", picture).stdout


def test_run_refuses_what_is_no_picture_no_bundle_or_no_device(invoke: Invoke, bundle: Path, picture: Path) -> None:
    assert_refused(invoke("run", bundle, "--image", "missing.jpg"), 2, "missing.jpg", "does not exist")
    assert_refused(invoke("run", bundle, "--image", bundle / "model.json"), 2, "model.json", "JPEG")
    assert_refused(invoke("run", picture, "--image", picture), 2, str(picture), "bundle")
    assert_refused(invoke("run", bundle, "--image", picture, "--device", "toaster"), 2, "toaster", "local")
    assert_refused(invoke("run", bundle, "--image", picture, "--threads", "65"), 2, "threads", "64")


@pytest.mark.parametrize("damage", ["change", "remove"])
def test_run_refuses_a_bundle_whose_files_are_not_those_that_were_compiled(
    invoke: Invoke, bundle: Path, picture: Path, tmp_path: Path, damage: str
) -> None:
    copy = shutil.copytree(bundle, tmp_path / "copy")
    library = next(copy.glob("*.so"))
    if damage == "change":
        library.write_bytes(library.read_bytes()[:-1] + b"?")
    else:
        library.unlink()
    assert_refused(invoke("run", copy, "--image", picture), 2, library.name, "compile the model again")


@pytest.mark.slow
@pytest.mark.emulated
def test_run_starts_an_arm_bundle_under_the_emulator_by_itself(
    invoke: Invoke, tmp_path: Path, picture: Path, emulator: str
) -> None:
    done = invoke("compile", "mobilenet_v3_small_035", "--weights", "random", "--size", "64", "-o", "bundle")
    assert done.exit_code == 0, done.stderr
    result = invoke("run", "bundle", "--image", picture)
    assert result.exit_code == 0, result.stderr
    assert "on emulated:cortex-a76" in result.stdout
    assert_refused(invoke("run", "bundle", "--image", picture, "--device", "local"), 2, "aarch64")
