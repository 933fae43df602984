"""The classifier under the address and undefined-behaviour sanitizers: fuzzed for a bounded time."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tvm_mnv3 import runtime

FUZZER = Path(__file__).with_name("fuzz_classifier.c")
SECONDS = 20


@pytest.mark.slow
@pytest.mark.parametrize("instructions", ["x86-64", "x86-64-v3"])
def test_no_bytes_make_the_classifier_step_out_of_bounds(tmp_path: Path, instructions: str) -> None:
    clang = shutil.which("clang-14") or shutil.which("clang")
    if clang is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no clang with libFuzzer (Debian: clang-14 libclang-rt-14-dev)")
        pytest.skip("no clang with libFuzzer (Debian: clang-14 libclang-rt-14-dev)")
    if instructions == "x86-64-v3" and " avx2 " not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this machine has no AVX2")
    program, corpus = tmp_path / "fuzz", tmp_path / "corpus"
    corpus.mkdir()
    flags = [f"-march={instructions}", "-g", "-O1", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"]
    sources = [str(source) for source in (FUZZER, *runtime.CLASSIFIER_SOURCES)]
    subprocess.run([clang, *flags, f"-I{runtime.FOLDER}", *sources, "-lpthread", "-o", program], check=True)
    # Pictures of some hundred bytes are enough to be resized; a run takes a second at most.
    limits = ["-max_len=4096", "-len_control=0", f"-max_total_time={SECONDS}", "-timeout=20", "-seed=1"]
    done = subprocess.run([program, *limits, corpus], cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stderr[-4000:]
    assert len(list(corpus.iterdir())) > 50  # it got somewhere
