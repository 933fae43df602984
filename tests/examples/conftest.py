"""The real V3-Small for this machine and for ARM, and ten pictures with the right answers."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from examples.sample import pictures, real_small

from tvm_mnv3 import Bundle, CompileOptions
from tvm_mnv3.package import PackageOptions, package
from tvm_mnv3.packages.java import build_jni_library


@pytest.fixture(scope="session")
def small_host(shared: Path, compiled: Callable[[CompileOptions], Bundle]) -> Bundle:
    return compiled(real_small(shared, "host"))


@pytest.fixture(scope="session")
def small_arm(shared: Path, compiled: Callable[[CompileOptions], Bundle]) -> Bundle:
    return compiled(real_small(shared, "arm"))


@pytest.fixture(scope="session")
def answers(shared: Path) -> dict[Path, int]:
    """The right class of each picture."""
    return pictures(shared)


@pytest.fixture(scope="session")
def stb() -> Path:
    """The folder of stb_image.h, with which the C and C++ examples read JPEG files."""
    folder = Path("/usr/include/stb")
    if not (folder / "stb_image.h").is_file():
        missing("no stb_image.h, with which the C examples read JPEG files (Debian: libstb-dev)")
    return folder


@pytest.fixture(scope="session")
def java_folder(small_host: Bundle, small_arm: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An AAR's classes and assets, and this machine's libraries beside them."""
    if shutil.which("javac") is None or shutil.which("java") is None:
        missing("no JDK (Debian: openjdk-17-jdk-headless)")
    folder = tmp_path_factory.mktemp("java")
    with zipfile.ZipFile(package(PackageOptions([small_arm.path], "android", folder))) as archive:
        archive.extractall(folder)
    triple = small_host.manifest.target["triple"]
    build_jni_library(triple, folder / "objects", folder / "libtvm_mnv3_jni.so", android=False)
    shutil.copy(small_host.path / small_host.manifest.library, folder)
    return folder


def java_command(folder: Path, *jars: Path) -> list[str]:
    """A JVM with that folder's classes; it checks every call through JNI."""
    classes = ":".join(map(str, (folder / "classes.jar", folder, *jars)))
    # The model's library is found by its name, as in an app.
    return ["env", f"LD_LIBRARY_PATH={folder}", "java", "-Xcheck:jni", "-cp", classes, f"-Djava.library.path={folder}"]


def missing(what: str) -> None:
    """Skip for want of a tool, but fail in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)
