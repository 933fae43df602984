"""The companion thread pool: every task once, on any libc, without a data race."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import doubler
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.toolchain import archive, compile_c, link_executable
from tvm_mnv3.devices.emulated import Loader, glibc_loader, musl_loader
from tvm_mnv3.devices.helpers import pool_library

STRESS = Path(__file__).with_name("pool_stress.c")


def stress_program(folder: Path, triple: str) -> Path:
    """The stress test, linked with the pool as it ships: a freestanding archive."""
    pool = archive(compile_c(runtime.POOL_SOURCES, triple=triple, out=folder), folder / "libpool.a")
    objects = compile_c(
        [STRESS], triple=triple, out=folder, include=[runtime.FOLDER], freestanding=False, extra=("-std=gnu11",)
    )
    return link_executable([*objects, pool], triple=triple, out=folder / "stress", libraries=("pthread",))


def check(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "every task ran exactly once"), done.stderr


@pytest.fixture(scope="module")
def host_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stress_program(tmp_path_factory.mktemp("stress"), doubler.HOST)


@pytest.mark.parametrize("threads", [1, 2, 3, 8, 64])
def test_every_task_runs_exactly_once(host_program: Path, threads: int) -> None:
    check([str(host_program), str(threads), "500"])


@pytest.mark.slow
@pytest.mark.parametrize("threads", [2, 5])
def test_every_task_runs_exactly_once_over_many_jobs(host_program: Path, threads: int) -> None:
    check([str(host_program), str(threads), "50000"])


@pytest.mark.slow
@pytest.mark.parametrize("threads", [2, 4])
def test_the_thread_sanitizer_sees_no_race(tmp_path: Path, threads: int) -> None:
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("no gcc, whose thread sanitizer this test uses")
    program = tmp_path / "stress"
    flags = ["-std=gnu11", "-g", "-O1", "-fsanitize=thread", "-pthread", f"-I{runtime.FOLDER}"]
    built = subprocess.run(
        [gcc, *flags, str(STRESS), *map(str, runtime.POOL_SOURCES), "-o", str(program)], capture_output=True, text=True
    )
    if built.returncode != 0:
        pytest.skip(f"gcc has no thread sanitizer here: {built.stderr.strip().splitlines()[-1]}")

    check([str(program), str(threads), "2000"])


@pytest.mark.emulated
@pytest.mark.parametrize("find_loader", [glibc_loader, musl_loader])
def test_the_same_archive_works_under_each_libc_on_arm(
    tmp_path: Path, emulator: str, find_loader: object, request: pytest.FixtureRequest
) -> None:
    if find_loader is musl_loader:
        request.getfixturevalue("musl")
    loader: Loader = find_loader()  # type: ignore[operator]
    program = stress_program(tmp_path, loader.triple)

    for threads in (2, 4):
        check([emulator, *loader.arguments, str(program), str(threads), "200"])


@pytest.mark.parametrize("triple", [doubler.HOST, doubler.ARM])
def test_it_needs_two_functions_of_libc(tmp_path: Path, triple: str) -> None:
    needed = set()
    for path in compile_c(runtime.POOL_SOURCES, triple=triple, out=tmp_path):
        with path.open("rb") as file:
            symbols = ELFFile(file).get_section_by_name(".symtab")
            assert isinstance(symbols, SymbolTableSection)
            needed |= {s.name for s in symbols.iter_symbols() if s["st_shndx"] == "SHN_UNDEF" and s.name}

    assert needed == {"pthread_create", "pthread_join"}


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    pool = ctypes.CDLL(str(pool_library(doubler.HOST)))
    pool.tvm_mnv3_pool_size.restype = ctypes.c_size_t
    pool.tvm_mnv3_pool_create.restype = ctypes.c_void_p
    pool.tvm_mnv3_pool_threads.argtypes = [ctypes.c_void_p]
    pool.tvm_mnv3_pool_destroy.argtypes = [ctypes.c_void_p]
    return pool


@pytest.mark.parametrize("threads", [-1, 0, 65, 2**31 - 1, -(2**31)])
def test_a_number_of_threads_out_of_range_gives_no_pool(library: ctypes.CDLL, threads: int) -> None:
    memory = ctypes.create_string_buffer(1 << 14)
    aligned = ctypes.addressof(memory) + -ctypes.addressof(memory) % 64

    assert library.tvm_mnv3_pool_size(threads) == 0
    assert library.tvm_mnv3_pool_create(ctypes.c_void_p(aligned), threads) is None


@pytest.mark.parametrize("address", [None, 8])
def test_null_or_misaligned_memory_gives_no_pool(library: ctypes.CDLL, address: int | None) -> None:
    assert library.tvm_mnv3_pool_create(ctypes.c_void_p(address), 2) is None


def test_a_null_pool_is_harmless(library: ctypes.CDLL) -> None:
    library.tvm_mnv3_pool_destroy(None)
    assert library.tvm_mnv3_pool_threads(None) == 0
