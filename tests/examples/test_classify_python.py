"""The Python example on ten real pictures, from the installed wheel: this machine's, and ARM's under emulation."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from examples.conftest import missing
from examples.sample import best_classes
from PIL import Image

from tvm_mnv3 import Bundle
from tvm_mnv3.package import PackageOptions, package

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "python" / "classify.py"
MODEL = "mobilenet_v3_small"


def install(bundle: Bundle, folder: Path, *platform: str) -> Path:
    """The wheel, installed by pip into a folder of its own."""
    wheel = package(PackageOptions([bundle.path], "python", folder))
    site = folder / "site"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", site, *platform]
    subprocess.run([*command, wheel], check=True)
    return site


@pytest.mark.slow
def test_ten_pictures_from_the_wheel(small_host: Bundle, answers: dict[Path, int], tmp_path: Path) -> None:
    site = install(small_host, tmp_path)
    done = subprocess.run(
        [sys.executable, EXAMPLE, MODEL, *answers],
        env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert best_classes(done.stdout) == list(answers.values())


@pytest.mark.slow
def test_tensors_go_in_and_out_without_tvm_and_what_is_wrong_is_said(small_host: Bundle, tmp_path: Path) -> None:
    site = install(small_host, tmp_path)
    program = (
        "import sys, numpy as np, mobilenet_v3_small as m\n"
        "logits, = m.Model().run(np.zeros((1, 3, 224, 224), np.float32))\n"
        "assert logits.shape == (1, 1001) and logits.dtype == np.float32\n"
        "assert not {'tvm', 'tvm_mnv3', 'torch'} & set(sys.modules)\n"
        "assert m.manifest()['preprocessing']['crop'] == 224\n"
        "try: m.Model().run(np.zeros((3, 224, 224), np.float32))\n"
        "except TypeError as error: print(error)\n"
        "try: m.Classifier(labels=['a', 'b'])\n"
        "except m.ClassifierError as error: print(error)\n"
        "m.model._function.cache_clear()\n"
        "file = m.model.FOLDER / m.manifest()['library']\n"
        "file.write_bytes(file.read_bytes()[:100_000])\n"
        "try: m.Classifier()\n"
        "except OSError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    shape, labels, cut = done.stdout.splitlines()
    assert shape == "input is float32 [1, 3, 224, 224], not float32 (3, 224, 224)"
    assert labels.startswith("The labels are not one line for each class")
    assert "has 100000 bytes, not" in cut


@pytest.mark.slow
@pytest.mark.emulated
def test_ten_pictures_from_the_wheel_on_emulated_arm(
    small_arm: Bundle, answers: dict[Path, int], tmp_path: Path, emulator: str
) -> None:
    root = Path(os.environ.get("TVM_MNV3_ARM64_PYTHON", "build/ci/python"))
    if not (root / "usr" / "bin" / "python3.11").exists():
        missing(f"no ARM Python with NumPy: {root} has no usr/bin/python3.11 (.ci/run unpacks Debian's; set the "
                "variable TVM_MNV3_ARM64_PYTHON to such a folder)")  # fmt: skip
    site = install(small_arm, tmp_path, "--platform", "manylinux_2_17_aarch64")
    pixels = []
    for picture in answers:
        pixels.append(tmp_path / f"{picture.stem}.npy")
        np.save(pixels[-1], np.asarray(Image.open(picture).convert("RGB")))
    libraries = [root / "usr/lib/aarch64-linux-gnu", root / "lib/aarch64-linux-gnu"]
    libraries += [libraries[0] / "blas", libraries[0] / "lapack"]
    variables = {
        "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
        "PYTHONHOME": str(root / "usr"),
        "PYTHONPATH": f"{site}:{root}/usr/lib/python3/dist-packages",
    }
    settings = [part for name, value in variables.items() for part in ("-E", f"{name}={value}")]
    done = subprocess.run(
        [emulator, "-L", root, *settings, root / "usr/bin/python3.11", EXAMPLE, MODEL, *pixels],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert best_classes(done.stdout) == list(answers.values())
