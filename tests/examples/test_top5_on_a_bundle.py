"""The C example on a compiled MobileNetV3, built from nothing but the bundle's own files."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tvm_mnv3 import Bundle, CompileOptions, load
from tvm_mnv3.codegen.toolchain import compile_c, link_executable
from tvm_mnv3.devices.emulated import Loader, glibc_loader, musl_loader
from tvm_mnv3.picture import top_classes

TOP5 = Path(__file__).resolve().parents[2] / "examples" / "c" / "top5.c"
PICTURE = np.random.default_rng(5).standard_normal((1, 3, 224, 224)).astype(np.float32)


def build(bundle: Bundle, triple: str, folder: Path) -> Path:
    """The example linked with the bundle's library and its companion, found through the bundle's own headers."""
    prefix = bundle.manifest.prefix
    defines = [f'-DMODEL_HEADER="{bundle.manifest.header}"', f"-DMODEL={prefix}"]
    objects = compile_c([TOP5], triple=triple, out=folder, include=[bundle.path], freestanding=False, extra=defines)
    parts = [*objects, bundle.path / bundle.manifest.library, bundle.path / "libtvm_mnv3_pool.a"]
    return link_executable(parts, triple=triple, out=folder / "top5", libraries=("pthread",))


def top_five_of(output: str) -> list[int]:
    return [int(line.split("class ")[1]) for line in output.splitlines()]


@pytest.fixture
def tensor(tmp_path: Path) -> Path:
    PICTURE.tofile(tmp_path / "picture.f32")
    return tmp_path / "picture.f32"


def test_top_five_on_this_machine(compiled: Callable[[CompileOptions], Bundle], tmp_path: Path, tensor: Path) -> None:
    bundle = compiled(CompileOptions("mobilenet_v3_small", target="host", weights="random", seed=3, input_size=224))
    program = build(bundle, bundle.manifest.target["triple"], tmp_path)
    printed = {
        subprocess.run(
            [program, tensor, str(threads)],
            env={"LD_LIBRARY_PATH": str(bundle.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for threads in (1, 4)
    }
    assert len(printed) == 1
    with load(bundle.path) as model:
        (logits,) = model.run(PICTURE)
    assert top_five_of(printed.pop()) == [index for index, _ in top_classes(logits[0], 5)]


@pytest.mark.emulated
@pytest.mark.parametrize("libc", [glibc_loader, musl_loader])
def test_top_five_on_emulated_arm(
    compiled: Callable[[CompileOptions], Bundle],
    tmp_path: Path,
    tensor: Path,
    emulator: str,
    musl: None,
    libc: Callable[[], Loader],
) -> None:
    bundle = compiled(CompileOptions("mobilenet_v3_small", target="arm", weights="random"))
    loader = libc()
    program = build(bundle, loader.triple, tmp_path)
    search = ["-E", f"LD_LIBRARY_PATH={bundle.path}"]
    printed = {
        subprocess.run(
            [emulator, *search, *loader.arguments, program, tensor, str(threads)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for threads in (1, 4)
    }
    assert len(printed) == 1
    with load(bundle.path) as model:
        (logits,) = model.run(PICTURE)
    assert top_five_of(printed.pop()) == [index for index, _ in top_classes(logits[0], 5)]
