"""Candidates on this machine, each in a process of its own: times, and what a bad one costs (itself)."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tvm_mnv3.codegen.toolchain import compile_c, link_shared
from tvm_mnv3.errors import EnvironmentProblem, InputError
from tvm_mnv3.targets import load_core
from tvm_mnv3.tuning import local_device
from tvm_mnv3.tuning.build import BuiltKernel, build_candidates
from tvm_mnv3.tuning.candidate import of_template, template_of
from tvm_mnv3.tuning.local_device import LocalDevice
from tvm_mnv3.tuning.registry import open_tuning_device
from tvm_mnv3.workload import Workload

CORE = load_core("host")
TRIPLE = f"{CORE.isa}-linux-gnu.2.28"
BAD = {
    "candidate0": "void candidate0(void) { *(volatile int *)8 = 0; }",
    "candidate1": 'void candidate1(void) { for (;;) __asm__ volatile(""); }',
    "candidate2": "void candidate2(void) {}",
}


@pytest.fixture(scope="module")
def device() -> LocalDevice:
    return LocalDevice(CORE)


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> list[BuiltKernel]:
    workload = Workload.parse("pointwise_h7w7_i24_o40_f32_scale_bias_add")
    candidates = [of_template(workload, knobs) for knobs in template_of(workload).knobs(workload, CORE)[:4]]
    built = build_candidates(candidates, CORE, TRIPLE, tmp_path_factory.mktemp("kernels"))
    return [kernel for kernel in built if isinstance(kernel, BuiltKernel)]


def test_right_candidates_get_times(device: LocalDevice, kernels: list[BuiltKernel]) -> None:
    for score in device.measure(kernels[:2]):
        assert score.failure is None
        assert len(score.seconds) == 5
        assert all(1e-9 < seconds < 1 for seconds in score.seconds)
        assert score.device == "local"
        assert not score.emulated


def test_candidate_that_crashes_hangs_or_computes_wrong_numbers_costs_no_other(
    device: LocalDevice, kernels: list[BuiltKernel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_device, "TIMEOUT", 3.0)
    source = tmp_path / "bad.c"
    source.write_text("\n".join(BAD.values()) + "\n")
    objects = compile_c([source], triple=TRIPLE, out=tmp_path, extra=["-fvisibility=default"])
    library = link_shared(objects, triple=TRIPLE, out=tmp_path / "bad.so", exports=[*BAD], soname="bad.so")
    bad = [dataclasses.replace(kernel, library=library) for kernel in kernels[:3]]
    crashed, hung, wrong, good = device.measure([*bad, kernels[3]])
    assert crashed.failure == "It crashed (SIGSEGV)."
    assert hung.failure == "It did not end in 3 s."
    assert wrong.failure is not None
    assert wrong.failure.startswith("It computes wrong numbers")
    assert good.failure is None
    assert good.seconds


def test_a_score_is_there_before_the_next_candidate_runs(kernels: list[BuiltKernel]) -> None:
    device = LocalDevice(CORE)
    scores = device.measure(kernels[:2])
    assert next(scores).failure is None
    device.close()
    with pytest.raises(EnvironmentProblem, match="run has ended"):
        next(scores)


def test_this_machine_runs_no_kernels_of_another_core() -> None:
    with pytest.raises(InputError, match="--target host"):
        open_tuning_device("local", load_core("cortex-a76"))
