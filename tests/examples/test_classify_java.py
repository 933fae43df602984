"""The Java example on ten real pictures, through the AAR's own classes, on this machine's JVM."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from examples.conftest import java_command
from examples.sample import PREFIX, best_classes

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "java" / "Classify.java"
LABELS = f"assets/tvm_mnv3/{PREFIX}.labels.txt"


@pytest.fixture(scope="session")
def jvm(java_folder: Path) -> list[str]:
    """The command that runs the example."""
    subprocess.run(["javac", "-cp", java_folder / "classes.jar", "-d", java_folder, EXAMPLE], check=True)
    return [*java_command(java_folder), "Classify"]


@pytest.mark.slow
def test_ten_pictures_through_jni(jvm: list[str], java_folder: Path, answers: dict[Path, int]) -> None:
    done = subprocess.run([*jvm, PREFIX, java_folder / LABELS, *answers], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WARNING in native method" not in done.stdout
    assert best_classes(done.stdout) == list(answers.values())
    assert done.stdout.splitlines()[0].endswith("1  tench")


@pytest.mark.slow
def test_bad_input_is_an_exception_with_a_sentence(
    jvm: list[str], java_folder: Path, answers: dict[Path, int], tmp_path: Path
) -> None:
    picture = next(iter(answers))
    cut = tmp_path / "labels.txt"
    cut.write_bytes((java_folder / LABELS).read_bytes()[:5000])
    for model, text, said in ((PREFIX, cut, "The labels are not one line"), ("absent", cut, "libabsent.so cannot be")):
        done = subprocess.run([*jvm, model, text, picture], capture_output=True, text=True)
        assert done.returncode == 1
        assert f"tvm.mnv3.ClassifierException: {said}" in done.stderr
