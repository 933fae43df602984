"""The small C programs that devices need, built on first use and kept in the cache under their content's hash."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tvm_mnv3.cache import cache_folder
from tvm_mnv3.codegen.toolchain import compile_c, link_executable, link_shared
from tvm_mnv3.runtime import POOL_HEADERS, POOL_SOURCES, RUNNER_SOURCES

POOL_EXPORTS = tuple(f"tvm_mnv3_pool_{name}" for name in ("size", "create", "threads", "parallel", "destroy"))


def runner_program(triple: str) -> Path:
    """The program that runs a model's library: ``runner LIBRARY PREFIX THREADS REPEATS INPUT OUTPUT``.

    Parameters
    ----------
    triple
        Names its libc: ``aarch64-linux-gnu.2.28`` or ``aarch64-linux-musl``.
    """

    def build(folder: Path, out: Path) -> None:
        objects = compile_c(RUNNER_SOURCES, triple=triple, out=folder, freestanding=False)
        link_executable(objects, triple=triple, out=out, libraries=("dl", "pthread"))

    return built_once("runner", triple, RUNNER_SOURCES, build)


def pool_library(triple: str) -> Path:
    """The companion thread pool as a shared library, for a process that has pthread_create already (Python has)."""

    def build(folder: Path, out: Path) -> None:
        objects = compile_c(POOL_SOURCES, triple=triple, out=folder, extra=("-fvisibility=default",))
        link_shared(objects, triple=triple, out=out, exports=POOL_EXPORTS, soname=out.name, allow_undefined=True)

    return built_once("libtvm_mnv3_pool.so", triple, POOL_SOURCES, build)


def built_once(name: str, triple: str, sources: Sequence[Path], build: Callable[[Path, Path], None]) -> Path:
    """The file that `build` makes of `sources`, unless these very sources were built before.

    Parameters
    ----------
    sources
        Everything that the file depends on, headers included.
    build
        Called with a temporary folder and the path of the file to make.
    """
    digest = hashlib.sha256(f"{triple} {_toolchain_version()}".encode())
    for file in (*sources, *POOL_HEADERS, Path(__file__)):
        digest.update(file.read_bytes())
    out = cache_folder() / "helpers" / digest.hexdigest()[:16] / name
    if not out.is_file():
        with tempfile.TemporaryDirectory() as folder:
            build(Path(folder), out)
    return out


def _toolchain_version() -> str:
    try:
        return version("ziglang")
    except PackageNotFoundError:
        return "none"
