"""Candidates are built, run under the emulator, checked against NumPy, and scored; a bad one costs no other."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from tvm_mnv3.codegen.toolchain import compile_c, link_shared
from tvm_mnv3.errors import InputError
from tvm_mnv3.targets import load_core
from tvm_mnv3.tuning import model_device
from tvm_mnv3.tuning.build import BuildFailure, BuiltKernel, build_candidates
from tvm_mnv3.tuning.candidate import Candidate, of_template, template_of
from tvm_mnv3.tuning.model_device import ModelDevice
from tvm_mnv3.tuning.registry import open_tuning_device
from tvm_mnv3.workload import Workload

TRIPLE = "aarch64-linux-gnu.2.28"
CORE = load_core("cortex-a76")

pytestmark = pytest.mark.emulated


@pytest.fixture(scope="module")
def device(emulator: str) -> ModelDevice:
    return ModelDevice("cortex-a76")


def some_of(name: str, count: int) -> list[Candidate]:
    workload = Workload.parse(name)
    space = template_of(workload).knobs(workload, CORE)
    return [of_template(workload, knobs) for knobs in space[:: max(1, len(space) // count)][:count]]


def kernels(candidates: list[Candidate], folder: Path) -> list[BuiltKernel]:
    built = build_candidates(candidates, CORE, TRIPLE, folder)
    assert all(isinstance(one, BuiltKernel) for one in built)
    return [one for one in built if isinstance(one, BuiltKernel)]


@pytest.mark.parametrize(
    "name",
    [
        "pointwise_h7w7_i24_o40_f32_scale_bias_add",
        "pointwise_h7w7_i24_o40_f16_bias_hswish",
        "dense_i24_o40_f32w16_bias",
        "depthwise_k5s2_h12w12_c24_f32_bias_hswish_pool",
        "conv_k3s2_h12w12_i3_o24_f32_nchw_bias_hswish",
        "se_c24_s8_f32_relu_hsigmoid",
        "pool_h7w7_c40_f16",
    ],
)
def test_candidates_of_every_template_get_cycles(device: ModelDevice, name: str, tmp_path: Path) -> None:
    scores = device.measure(kernels(some_of(name, 3), tmp_path))
    assert [score.failure for score in scores] == [None] * 3
    assert all(score.model == "n1w" and score.cycles is not None and score.cycles > 10 for score in scores)
    assert len({score.cycles for score in scores}) > 1


def test_cycles_are_those_of_estimate(device: ModelDevice, tmp_path: Path) -> None:
    from tvm_mnv3.estimate import estimate_kernel

    (kernel,) = kernels(some_of("pointwise_h7w7_i24_o40_f32_bias", 1), tmp_path)
    figures = estimate_kernel(kernel.library, kernel.symbol, kernel.tasks, kernel.operand_bytes, "cortex-a76")
    assert device.measure([kernel])[0].cycles == pytest.approx(figures.cycles["n1w"])


HANDWRITTEN = {
    "candidate0": "void candidate0(void) { *(volatile int *)8 = 0; }",
    "candidate1": 'void candidate1(void) { for (;;) __asm__ volatile(""); }',
    "candidate2": "void candidate2(void) {}",
}


@pytest.fixture
def sabotaged(tmp_path: Path) -> list[BuiltKernel]:
    """Four kernels: one crashes, one hangs, one writes nothing; the last is what a template makes."""
    good = kernels(some_of("pointwise_h7w7_i24_o40_f32_bias", 4), tmp_path)
    source = tmp_path / "bad.c"
    source.write_text("\n".join(HANDWRITTEN.values()) + "\n")
    objects = compile_c([source], triple=TRIPLE, out=tmp_path, extra=["-fvisibility=default"])
    library = link_shared(objects, triple=TRIPLE, out=tmp_path / "bad.so", exports=[*HANDWRITTEN], soname="bad.so")
    return [*(dataclasses.replace(k, library=library) for k in good[:3]), good[3]]


def test_candidate_that_crashes_hangs_or_computes_wrong_numbers_costs_no_other(
    device: ModelDevice, sabotaged: list[BuiltKernel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_device, "TIMEOUT", 5.0)
    crashed, hung, wrong, good = device.measure(sabotaged)
    assert crashed.failure is not None
    assert "failed" in crashed.failure
    assert hung.failure is not None
    assert "did not end in 5 s" in hung.failure
    assert wrong.failure is not None
    assert "wrong numbers" in wrong.failure
    assert (crashed.cycles, hung.cycles, wrong.cycles) == (None, None, None)
    assert good.failure is None
    assert good.cycles is not None


def test_candidate_that_does_not_compile_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = some_of("pointwise_h7w7_i24_o40_f32_bias", 3)
    impossible: dict[str, Any] = {**candidates[1].knobs, "rows": 0}
    candidates[1] = dataclasses.replace(candidates[1], knobs=impossible)
    built = build_candidates(candidates, CORE, TRIPLE, tmp_path)
    assert [type(one) for one in built] == [BuiltKernel, BuildFailure, BuiltKernel]
    assert isinstance(built[1], BuildFailure)
    assert "does not compile" in built[1].reason


@pytest.mark.parametrize("name", ["model:", "model:nothing", "phone", ""])
def test_device_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        open_tuning_device(name, CORE)


def test_this_machine_is_not_modelled() -> None:
    with pytest.raises(InputError, match="--device local"):
        open_tuning_device("model:cortex-a76", dataclasses.replace(CORE, isa="x86_64"))
