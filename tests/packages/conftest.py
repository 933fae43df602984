"""Small bundles and packages of them; of the cheapest real network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tvm_mnv3 import Bundle, CompileOptions
from tvm_mnv3.package import PackageOptions, package


def quick(target: str, prefix: str = "quick") -> CompileOptions:
    return CompileOptions("mobilenet_v3_small_035", target=target, weights="random", input_size=64, prefix=prefix)


@pytest.fixture(scope="session")
def host(compiled: Callable[[CompileOptions], Bundle]) -> Bundle:
    return compiled(quick("host"))


@pytest.fixture(scope="session")
def arm(compiled: Callable[[CompileOptions], Bundle]) -> Bundle:
    return compiled(quick("arm"))


@pytest.fixture(scope="session")
def wheel(host: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package(PackageOptions([host.path], "python", tmp_path_factory.mktemp("wheel")))


@pytest.fixture(scope="session")
def cmake(host: Bundle, arm: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package(PackageOptions([host.path, arm.path], "cmake", tmp_path_factory.mktemp("cmake") / "package"))
