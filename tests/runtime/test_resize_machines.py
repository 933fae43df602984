"""The same resize with the other vector instructions: NEON under emulation, AVX2 where this machine has it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import doubler
import numpy as np
import pytest
from PIL import Image

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.library import build_classifier
from tvm_mnv3.codegen.toolchain import compile_c, link_executable
from tvm_mnv3.devices.emulated import glibc_loader
from tvm_mnv3.frontend.imported import Preprocessing
from tvm_mnv3.picture import preprocess

SIZES = [(640, 480), (301, 403), (37, 29)]


def build(folder: Path, triple: str, cpu: str | None) -> Path:
    companion = build_classifier(triple, folder, folder / "libclassifier.a", cpu=cpu)
    source = Path(__file__).with_name("prepare.c")
    objects = compile_c([source], triple=triple, out=folder, include=[runtime.FOLDER], freestanding=False)
    return link_executable([*objects, companion], triple=triple, out=folder / "prepare", libraries=("pthread",))


def compare_with_pillow(command: list[str], folder: Path) -> None:
    for width, height in SIZES:
        pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
        (folder / "pixels").write_bytes(pixels.tobytes())
        for number, interpolation in enumerate(("bilinear", "bicubic")):
            arguments = [width, height, 0, number, 256, 224, folder / "pixels", folder / "levels"]
            subprocess.run([*command, *map(str, arguments)], check=True)
            got = np.frombuffer((folder / "levels").read_bytes(), np.uint8).reshape(224, 224, 3).astype(int)
            how = Preprocessing(256, 224, interpolation, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
            wanted = np.rint(preprocess(Image.fromarray(pixels), how) * 255).astype(int).transpose(1, 2, 0)
            assert np.abs(got - wanted).max() <= (1 if interpolation == "bilinear" else 0)


@pytest.mark.emulated
def test_neon_gives_pillow_s_levels(tmp_path: Path, emulator: str) -> None:
    loader = glibc_loader()
    compare_with_pillow([emulator, *loader.arguments, str(build(tmp_path, loader.triple, None))], tmp_path)


def test_avx2_gives_pillow_s_levels(tmp_path: Path) -> None:
    if " avx2 " not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this machine has no AVX2")
    compare_with_pillow([str(build(tmp_path, doubler.HOST, "x86-64-v3"))], tmp_path)
