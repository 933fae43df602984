"""The C and C++ examples on ten real pictures: from a bundle, and from a CMake package."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from examples.conftest import missing
from examples.sample import PREFIX, best_classes

from tvm_mnv3 import Bundle
from tvm_mnv3.codegen.toolchain import compile_c, link_executable
from tvm_mnv3.devices.emulated import glibc_loader
from tvm_mnv3.package import PackageOptions, package

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def build(bundle: Bundle, triple: str, folder: Path, stb: Path) -> Path:
    """The example linked as its first lines say."""
    defines = [f'-DMODEL_HEADER="{bundle.manifest.header}"', f"-DMODEL={PREFIX}", "-w"]
    objects = compile_c(
        [EXAMPLES / "c" / "classify.c"], triple=triple, out=folder, include=[bundle.path, stb], freestanding=False,
        extra=defines,
    )  # fmt: skip
    parts = [*objects, bundle.path / bundle.manifest.library, bundle.path / "libtvm_mnv3_classifier.a"]
    return link_executable(parts, triple=triple, out=folder / "classify", libraries=("pthread", "m"))


@pytest.mark.slow
def test_ten_pictures_in_c_on_this_machine(
    small_host: Bundle, answers: dict[Path, int], stb: Path, tmp_path: Path
) -> None:
    program = build(small_host, small_host.manifest.target["triple"], tmp_path, stb)
    done = subprocess.run(
        [program, small_host.path / "labels.txt", *answers],
        env={"LD_LIBRARY_PATH": str(small_host.path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert best_classes(done.stdout) == list(answers.values())
    assert done.stdout.splitlines()[0].endswith("1  tench")


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["labels", "picture"])
def test_what_is_wrong_is_said_in_a_sentence(
    small_host: Bundle, answers: dict[Path, int], stb: Path, tmp_path: Path, wrong: str
) -> None:
    program = build(small_host, small_host.manifest.target["triple"], tmp_path, stb)
    cut = tmp_path / "cut"
    whole = small_host.path / "labels.txt" if wrong == "labels" else next(iter(answers))
    cut.write_bytes(whole.read_bytes()[:500])
    arguments = [cut, next(iter(answers))] if wrong == "labels" else [small_host.path / "labels.txt", cut]
    done = subprocess.run(
        [program, *arguments], env={"LD_LIBRARY_PATH": str(small_host.path)}, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert ("one line for each class" if wrong == "labels" else "is no JPEG") in done.stderr


@pytest.mark.slow
@pytest.mark.emulated
def test_ten_pictures_in_c_on_emulated_arm(
    small_arm: Bundle, answers: dict[Path, int], stb: Path, tmp_path: Path, emulator: str
) -> None:
    loader = glibc_loader()
    program = build(small_arm, loader.triple, tmp_path, stb)
    search = ["-E", f"LD_LIBRARY_PATH={small_arm.path}"]
    done = subprocess.run(
        [emulator, *search, *loader.arguments, program, small_arm.path / "labels.txt", *answers],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert best_classes(done.stdout) == list(answers.values())


@pytest.fixture(scope="session")
def cmake_package(small_host: Bundle, small_arm: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package for both machines, moved after it was made."""
    made = tmp_path_factory.mktemp("made") / "package"
    package(PackageOptions([small_arm.path, small_host.path], "cmake", made))
    return made.rename(tmp_path_factory.mktemp("moved") / "elsewhere")


@pytest.mark.slow
@pytest.mark.parametrize("linkage", [PREFIX, "static"])
def test_ten_pictures_in_cpp_with_find_package(
    cmake_package: Path, answers: dict[Path, int], stb: Path, tmp_path: Path, linkage: str
) -> None:
    if shutil.which("cmake") is None or shutil.which("g++") is None:
        missing("no cmake or g++, with which the C++ example is built")
    options = [f"-DCMAKE_PREFIX_PATH={cmake_package}", f"-DLINKAGE={linkage}", f"-DSTB_INCLUDE={stb}"]
    subprocess.run(["cmake", "-S", EXAMPLES / "cpp", "-B", tmp_path, *options], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", tmp_path], check=True, capture_output=True)
    done = subprocess.run([tmp_path / "classify", *answers], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert best_classes(done.stdout) == list(answers.values())


@pytest.mark.slow
def test_a_machine_that_is_not_in_the_package_is_told(cmake_package: Path, tmp_path: Path) -> None:
    if shutil.which("cmake") is None:
        missing("no cmake")
    options = [f"-DCMAKE_PREFIX_PATH={cmake_package}", "-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=riscv64"]
    done = subprocess.run(["cmake", "-S", EXAMPLES / "cpp", "-B", tmp_path, *options], capture_output=True, text=True)
    assert done.returncode != 0
    assert "This package is for aarch64;x86_64" in " ".join(done.stderr.split())
