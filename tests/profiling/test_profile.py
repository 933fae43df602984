"""Profiles: what adds up, what is refused, what the trace holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tvm_mnv3 import Bundle, CompileOptions
from tvm_mnv3.codegen.steps import read_steps
from tvm_mnv3.errors import InputError
from tvm_mnv3.profile import ProfileOptions, profile
from tvm_mnv3.profiling.result import Profile

Compile = Callable[[CompileOptions], Bundle]
QUICK = CompileOptions("mobilenet_v3_small_035", target="host", weights="random", input_size=64)


@pytest.fixture(scope="module")
def found(compiled: Compile) -> Profile:
    return profile(ProfileOptions(compiled(QUICK).path, seconds=0.5))


def test_a_profile_has_every_step_with_its_kernel_and_layer(compiled: Compile, found: Profile) -> None:
    records = read_steps(compiled(QUICK).path).steps
    assert [(step.kernel, step.layers) for step in found.steps] == [(r.kernel, r.layers) for r in records]
    kernels = {kernel.symbol: kernel for kernel in compiled(QUICK).manifest.kernels}
    for step, record in zip(found.steps, records, strict=True):
        assert step.multiply_adds == kernels[step.kernel].multiply_adds
        assert dict(step.knobs) == dict(kernels[step.kernel].knobs)
        assert step.bytes == record.traffic_bytes
        assert step.bound > 0
        assert step.microseconds > 0


def test_the_steps_add_up_to_a_typical_profiled_run(found: Profile) -> None:
    assert found.sum_ms == pytest.approx(found.profiled_ms, rel=0.051)


def test_the_trace_is_one_run_without_gaps(found: Profile) -> None:
    events = [event for event in json.loads(found.to_trace())["traceEvents"] if event["ph"] == "X"]
    assert [event["name"] for event in events] == [step.kernel for step in found.steps]
    ends = np.cumsum([event["dur"] for event in events])
    np.testing.assert_allclose([event["ts"] for event in events], [0, *ends[:-1]], atol=1e-6)
    assert json.loads(found.to_json())["kind"] == "profile"


def test_an_emulated_core_has_no_profile(compiled: Compile) -> None:
    with pytest.raises(InputError, match="says nothing about a phone's"):
        profile(ProfileOptions(compiled(QUICK).path, device="emulated:cortex-a76"))


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a bundle"):
        profile(ProfileOptions(tmp_path))
