"""Eight threads on two real models, a classifier each: the same answers as alone, and no data race."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tvm_mnv3 import Bundle, CompileOptions, runtime
from tvm_mnv3.codegen.toolchain import compile_c, link_executable

STRESS = Path(__file__).with_name("classifier_stress.c")


@pytest.fixture
def models(compiled: Callable[[CompileOptions], Bundle]) -> list[Bundle]:
    """Two networks, small enough for thousands of runs."""
    common = {"target": "host", "weights": "random", "input_size": 64}
    names = ("mobilenet_v3_small_035", "mobilenet_v3_small_050")
    return [compiled(CompileOptions(name, prefix=f"model_{i}", **common)) for i, name in enumerate(names)]


def arguments(models: list[Bundle]) -> list[str]:
    return [part for model in models for part in (str(model.path / model.manifest.library), model.manifest.prefix)]


@pytest.mark.slow
def test_every_thread_gets_the_answer_of_a_classifier_alone(models: list[Bundle], tmp_path: Path) -> None:
    triple = models[0].manifest.target["triple"]
    objects = compile_c(
        [STRESS], triple=triple, out=tmp_path, include=[models[0].path], freestanding=False, extra=("-std=gnu99",)
    )
    parts = [*objects, models[0].path / "libtvm_mnv3_classifier.a"]
    program = link_executable(parts, triple=triple, out=tmp_path / "stress", libraries=("dl", "pthread"))
    done = subprocess.run([program, "8", "50", *arguments(models)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "every answer is the same\n"), done.stderr


@pytest.mark.slow
def test_the_thread_sanitizer_sees_no_race(models: list[Bundle], tmp_path: Path) -> None:
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("no gcc, whose thread sanitizer this test uses")
    program = tmp_path / "stress"
    flags = ["-std=gnu11", "-g", "-O1", "-fsanitize=thread", "-pthread", f"-I{runtime.FOLDER}"]
    sources = [str(source) for source in (STRESS, *runtime.CLASSIFIER_SOURCES)]
    subprocess.run([gcc, *flags, *sources, "-o", program, "-ldl"], check=True)
    done = subprocess.run([program, "8", "1000", *arguments(models)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "every answer is the same\n"), done.stderr
    assert "ThreadSanitizer" not in done.stderr
