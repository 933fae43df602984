"""The Java example on ten real pictures, through the AAR's own classes, on this machine's JVM."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from examples.conftest import missing
from examples.sample import PREFIX, best_classes

from tvm_mnv3 import Bundle
from tvm_mnv3.package import PackageOptions, package
from tvm_mnv3.packages.java import build_jni_library

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "java" / "Classify.java"


@pytest.fixture(scope="session")
def jvm(small_host: Bundle, small_arm: Bundle, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs a class of the example: the AAR's classes, this machine's libraries."""
    if shutil.which("javac") is None or shutil.which("java") is None:
        missing("no JDK (Debian: openjdk-17-jdk-headless)")
    folder = tmp_path_factory.mktemp("java")
    aar = package(PackageOptions([small_arm.path], "android", folder))
    with zipfile.ZipFile(aar) as archive:
        archive.extract("classes.jar", folder)
        archive.extract(f"assets/tvm_mnv3/{PREFIX}.labels.txt", folder)
    triple = small_host.manifest.target["triple"]
    build_jni_library(triple, folder / "objects", folder / "libtvm_mnv3_jni.so", android=False)
    shutil.copy(small_host.path / small_host.manifest.library, folder)
    subprocess.run(["javac", "-cp", folder / "classes.jar", "-d", folder, EXAMPLE], check=True)
    command = ["java", "-Xcheck:jni", "-cp", f"{folder}/classes.jar:{folder}", f"-Djava.library.path={folder}"]
    # The model's library is found by its name, as in an app.
    return ["env", f"LD_LIBRARY_PATH={folder}", *command, "Classify"]


def labels(jvm: list[str]) -> Path:
    return Path(jvm[1].partition("=")[2]) / "assets" / "tvm_mnv3" / f"{PREFIX}.labels.txt"


@pytest.mark.slow
def test_ten_pictures_through_jni(jvm: list[str], answers: dict[Path, int]) -> None:
    done = subprocess.run([*jvm, PREFIX, labels(jvm), *answers], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WARNING in native method" not in done.stdout
    assert best_classes(done.stdout) == list(answers.values())
    assert done.stdout.splitlines()[0].endswith("1  tench")


@pytest.mark.slow
def test_bad_input_is_an_exception_with_a_sentence(jvm: list[str], answers: dict[Path, int], tmp_path: Path) -> None:
    picture = next(iter(answers))
    cut = tmp_path / "labels.txt"
    cut.write_bytes(labels(jvm).read_bytes()[:5000])
    for model, text, said in ((PREFIX, cut, "The labels are not one line"), ("absent", cut, "libabsent.so cannot be")):
        done = subprocess.run([*jvm, model, text, picture], capture_output=True, text=True)
        assert done.returncode == 1
        assert f"tvm.mnv3.ClassifierException: {said}" in done.stderr
