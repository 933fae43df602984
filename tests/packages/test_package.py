"""What is in each kind of package, that it is the same every time, and what is refused."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tvm_mnv3 import Bundle
from tvm_mnv3.codegen.inspect_elf import inspect_shared_library
from tvm_mnv3.codegen.toolchain import compile_c, link_executable
from tvm_mnv3.devices.emulated import musl_loader
from tvm_mnv3.errors import EnvironmentProblem, InputError
from tvm_mnv3.package import PackageOptions, package
from tvm_mnv3.packages.java import JNI_EXPORTS

needs_jdk = pytest.mark.skipif(shutil.which("javac") is None, reason="no JDK (Debian: openjdk-17-jdk-headless)")


@pytest.fixture(scope="session")
def aar(arm: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package(PackageOptions([arm.path], "android", tmp_path_factory.mktemp("aar")))


def test_a_cmake_package_has_architectures_side_by_side(cmake: Path, host: Bundle) -> None:
    files = {file.relative_to(cmake).as_posix() for file in cmake.rglob("*") if file.is_file()}
    for machine in ("aarch64", "x86_64"):
        assert {f"lib/{machine}/{name}" for name in ("libquick.so", "libquick.a", "libtvm_mnv3_classifier.a")} < files
    assert {"lib/cmake/quick/quick-config.cmake", "include/quick/classifier.h", "share/quick/LICENSE"} < files
    assert str(host.path) not in (cmake / "lib/cmake/quick/quick-config.cmake").read_text()


def test_a_wheel_says_what_it_is(wheel: Path) -> None:
    assert wheel.name == "quick-0.1.0-py3-none-manylinux_2_17_x86_64.musllinux_1_1_x86_64.whl"
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read("quick-0.1.0.dist-info/METADATA").decode()
        assert "Requires-Dist: numpy\n" in metadata
        assert metadata.count("Requires-Dist") == 1
        assert "Apache License" in archive.read("quick-0.1.0.dist-info/licenses/LICENSE").decode()
        record = archive.read("quick-0.1.0.dist-info/RECORD").decode().splitlines()
        assert sorted(line.split(",")[0] for line in record) == sorted(archive.namelist())


@needs_jdk
def test_an_aar_has_the_parts_that_android_wants(aar: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(aar) as archive:
        assert set(archive.namelist()) == {
            "AndroidManifest.xml", "R.txt", "classes.jar", "proguard.txt", "LICENSE", "package.json",
            "jni/arm64-v8a/libquick.so", "jni/arm64-v8a/libtvm_mnv3_jni.so",
            "assets/tvm_mnv3/quick.json", "assets/tvm_mnv3/quick.labels.txt",
        }  # fmt: skip
        archive.extractall(tmp_path)
    jni = inspect_shared_library(tmp_path / "jni/arm64-v8a/libtvm_mnv3_jni.so")
    assert (jni.machine, set(jni.needed), set(jni.exports)) == ("aarch64", {"libc.so", "libdl.so"}, set(JNI_EXPORTS))
    assert jni.segment_alignment == 16384
    model = inspect_shared_library(tmp_path / "jni/arm64-v8a/libquick.so")
    assert (model.needed, model.undefined, model.segment_alignment) == ((), (), 16384)


@needs_jdk
@pytest.mark.emulated
def test_the_libraries_of_an_aar_load_with_every_symbol_bound(
    aar: Path, tmp_path: Path, emulator: str, musl: None
) -> None:
    """Under musl, which answers to bionic's names of libc and libdl; bionic itself is not to be had here."""
    loader = musl_loader()
    objects = compile_c(
        [Path(__file__).with_name("load_jni.c")], triple=loader.triple, out=tmp_path, freestanding=False
    )
    program = link_executable(objects, triple=loader.triple, out=tmp_path / "load", libraries=("dl",))
    with zipfile.ZipFile(aar) as archive:
        archive.extractall(tmp_path)
    libraries = [tmp_path / "jni/arm64-v8a" / name for name in ("libquick.so", "libtvm_mnv3_jni.so")]
    done = subprocess.run(
        [emulator, *loader.arguments, program, *libraries, JNI_EXPORTS[0]], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_jdk
def test_kotlin_sees_nullness_and_no_annotation_is_shipped(aar: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(aar) as archive:
        archive.extract("classes.jar", tmp_path)
    with zipfile.ZipFile(tmp_path / "classes.jar") as jar:
        assert all(name.startswith(("tvm/mnv3/", "META-INF/")) for name in jar.namelist())
        classifier = jar.read("tvm/mnv3/Classifier.class")
    assert classifier[4:8] == b"\0\0\0\x34"  # Java 8
    assert b"Landroidx/annotation/NonNull;" in classifier
    assert b"java/lang/AutoCloseable" in classifier


@needs_jdk
@pytest.mark.parametrize("kind", ["android", "python"])
def test_packaging_twice_gives_the_same_bytes(arm: Bundle, aar: Path, tmp_path: Path, kind: str) -> None:
    first = aar if kind == "android" else package(PackageOptions([arm.path], kind, tmp_path / "first"))
    second = package(PackageOptions([arm.path], kind, tmp_path / "second"))
    assert first.read_bytes() == second.read_bytes()


def test_nothing_is_overwritten_unasked_or_what_is_no_package(host: Bundle, tmp_path: Path) -> None:
    place = package(PackageOptions([host.path], "cmake", tmp_path / "package"))
    with pytest.raises(InputError, match="--force"):
        package(PackageOptions([host.path], "cmake", place))
    assert package(PackageOptions([host.path], "cmake", place, force=True)) == place
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear diary")
    with pytest.raises(InputError, match="no package"):
        package(PackageOptions([host.path], "cmake", tmp_path / "mine", force=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "package"]


@pytest.mark.parametrize(
    ("kind", "count", "said"),
    [("ios", 1, "--for 'ios' is not one of"), ("python", 2, "one wheel for each"), ("cmake", 2, "same architecture"),
     ("android", 1, "64-bit ARM"), ("android", 2, "same prefix"), ("cmake", 0, "no bundle")],
)  # fmt: skip
def test_what_cannot_be_packaged_is_told(host: Bundle, tmp_path: Path, kind: str, count: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        package(PackageOptions([host.path] * count, kind, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_bundle_that_has_changed_is_refused(host: Bundle, tmp_path: Path) -> None:
    copy = shutil.copytree(host.path, tmp_path / "copy")
    (copy / "labels.txt").write_text("cut")
    with pytest.raises(InputError, match=r"labels\.txt is not the file"):
        package(PackageOptions([copy], "cmake", tmp_path / "out"))


def test_a_missing_jdk_is_told(arm: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentProblem, match="openjdk-17-jdk-headless"):
        package(PackageOptions([arm.path], "android", tmp_path / "out"))
