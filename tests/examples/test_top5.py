"""The C example for app people, linked as its first lines say, on the hand-written model."""

from __future__ import annotations

import subprocess
from pathlib import Path

import doubler
import numpy as np
import pytest

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.toolchain import archive, compile_c, link_executable
from tvm_mnv3.devices.emulated import glibc_loader

TOP5 = Path(__file__).resolve().parents[2] / "examples" / "c" / "top5.c"


def top5_program(folder: Path, triple: str, library: Path) -> Path:
    """The example, linked with a model's library and the pool's archive."""
    pool = archive(compile_c(runtime.POOL_SOURCES, triple=triple, out=folder), folder / "libtvm_mnv3_pool.a")
    objects = compile_c(
        [TOP5],
        triple=triple,
        out=folder,
        include=[runtime.FOLDER, Path(doubler.__file__).parent],
        freestanding=False,
        extra=('-DMODEL_HEADER="doubler.h"', "-DMODEL=doubler"),
    )
    return link_executable([*objects, library, pool], triple=triple, out=folder / "top5", libraries=("pthread",))


@pytest.fixture
def tensor(tmp_path: Path) -> Path:
    path = tmp_path / "tensor.f32"
    path.write_bytes(b"".join(array.tobytes() for array in doubler.sample(0)))
    return path


@pytest.fixture
def host_program(tmp_path: Path, doubler_host: Path) -> Path:
    return top5_program(tmp_path, doubler.HOST, doubler_host / "libdoubler.so")


def run(command: list[object], library_path: Path | None = None) -> subprocess.CompletedProcess[str]:
    variables = {"LD_LIBRARY_PATH": str(library_path)} if library_path else {}
    return subprocess.run([str(part) for part in command], env=variables, capture_output=True, text=True)


def five_best() -> list[tuple[str, int]]:
    scores = doubler.expected(doubler.sample(0))[0][0]
    return [(f"{scores[i]:.6f}", i) for i in np.argsort(-scores)[:5]]


@pytest.mark.parametrize("threads", [1, 4])
def test_it_prints_the_five_best_classes(host_program: Path, doubler_host: Path, tensor: Path, threads: int) -> None:
    done = run([host_program, tensor, threads], doubler_host)

    assert done.returncode == 0, done.stderr
    assert [line.split(maxsplit=1) for line in done.stdout.splitlines()] == [
        [score, f"class {index}"] for score, index in five_best()
    ]


def test_it_prints_labels_from_a_file(host_program: Path, doubler_host: Path, tensor: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"thing number {i}\r\n" for i in range(1000)))
    done = run([host_program, tensor, 1, labels], doubler_host)

    assert [line.split(maxsplit=1)[1] for line in done.stdout.splitlines()] == [
        f"thing number {index}" for _, index in five_best()
    ]


@pytest.mark.parametrize(("size", "said"), [(4003, "is too short"), (4005, "is longer than the model's inputs")])
def test_a_tensor_of_another_size_is_refused(
    host_program: Path, doubler_host: Path, tensor: Path, size: int, said: str
) -> None:
    tensor.write_bytes(bytes(size))
    done = run([host_program, tensor], doubler_host)

    assert done.returncode == 2
    assert f"{tensor}: {said}" in done.stderr


@pytest.mark.parametrize("threads", ["0", "65", "many"])
def test_a_number_of_threads_out_of_range_is_refused(
    host_program: Path, doubler_host: Path, tensor: Path, threads: str
) -> None:
    done = run([host_program, tensor, threads], doubler_host)

    assert done.returncode == 2
    assert f"{threads}: so many threads cannot be had" in done.stderr


@pytest.mark.emulated
def test_it_prints_the_same_on_emulated_arm(
    tmp_path: Path, doubler_arm: Path, tensor: Path, emulator: str, host_program: Path, doubler_host: Path
) -> None:
    loader = glibc_loader()
    program = top5_program(tmp_path / "arm", loader.triple, doubler_arm / "libdoubler.so")
    native = run([host_program, tensor], doubler_host).stdout

    for threads in (1, 4):
        path = ["-E", f"LD_LIBRARY_PATH={doubler_arm}"]
        done = run([emulator, *loader.arguments, *path, program, tensor, threads])
        assert (done.returncode, done.stdout) == (0, native), done.stderr
