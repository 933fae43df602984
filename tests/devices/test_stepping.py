"""The kernels of a library one by one: the same machine code, the same bits."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tvm_mnv3 import Bundle, CompileOptions, open_bundle
from tvm_mnv3.codegen.steps import read_steps
from tvm_mnv3.devices.emulated import EmulatedDevice
from tvm_mnv3.devices.local import LocalDevice
from tvm_mnv3.devices.stepping import LocalStepper, recorded_values
from tvm_mnv3.errors import InputError

Compile = Callable[[CompileOptions], Bundle]
QUICK = CompileOptions("mobilenet_v3_small_035", target="host", weights="random", input_size=64)


def picture(bundle: Bundle, seed: int = 0) -> np.ndarray:
    shape = bundle.manifest.inputs[0].shape
    return np.random.default_rng(seed).standard_normal(shape).astype(bundle.manifest.inputs[0].dtype)


def test_the_last_step_writes_the_bits_that_a_run_answers(compiled: Compile) -> None:
    bundle = compiled(QUICK)
    given = picture(bundle)
    with LocalDevice().open(bundle.path) as session:
        (answer,) = session.run([given])
    (values,) = recorded_values(bundle, "local", [[given]])
    assert len(values) == len(read_steps(bundle.path).steps)
    np.testing.assert_array_equal(values[-1][0], answer.ravel())


@pytest.mark.parametrize("threads", [1, 2])
def test_every_step_of_every_run_takes_time(compiled: Compile, threads: int) -> None:
    bundle = compiled(QUICK)
    with LocalDevice().open(bundle.path) as session:
        stepper = LocalStepper(session, bundle)
        times = stepper.times([picture(bundle)], threads=threads, warmup=1, repeats=4)
    assert times.shape == (4, len(stepper.table.steps))
    assert (times > 0).all()


def test_a_step_with_two_outputs_records_both(compiled: Compile) -> None:
    bundle = compiled(QUICK)
    (values,) = recorded_values(bundle, "local", [[picture(bundle)]])
    pooled = [n for n, step in enumerate(read_steps(bundle.path).steps) if (step.kernel or "").endswith("_pool")]
    assert pooled
    for number in pooled:
        activation, mean = values[number]
        np.testing.assert_allclose(activation.reshape(-1, mean.size).mean(axis=0), mean, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.emulated
def test_an_emulated_core_records_the_bits_that_it_answers(compiled: Compile, emulator: str) -> None:
    bundle = compiled(CompileOptions("mobilenet_v3_small_035", weights="random", input_size=64))
    samples = [[picture(bundle, seed)] for seed in (1, 2)]
    with EmulatedDevice("cortex-a76").open(bundle.path) as session:
        answers = session.run_many(samples)
    for values, (answer,) in zip(recorded_values(bundle, "emulated:cortex-a76", samples), answers, strict=True):
        np.testing.assert_array_equal(values[-1][0], answer.ravel())


def test_a_bundle_without_steps_is_refused_in_a_sentence(compiled: Compile, tmp_path: Path) -> None:
    copy = shutil.copytree(compiled(QUICK).path, tmp_path / "copy")
    (copy / "steps.json").unlink()
    with pytest.raises(InputError, match=r"steps\.json.*Compile the model again"):
        recorded_values(open_bundle(copy), "local", [])
