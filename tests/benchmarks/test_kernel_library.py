"""Kernels called alone: the right function, on the right operands."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from benchmarks.kernel_library import KernelLibrary, schedule_kernel
from benchmarks.kernel_report import KernelReport, KernelTime
from tvm_mnv3.codegen.lowering import lower
from tvm_mnv3.codegen.object_code import llvm_target
from tvm_mnv3.measuring.roofline import Roofline
from tvm_mnv3.schedules.registry import template_for
from tvm_mnv3.targets import load_core
from tvm_mnv3.workload import Workload

POOL, POINTWISE = "pool_h7w7_c40_f32", "pointwise_h7w7_i24_o40_f32_scale_bias_add"


@pytest.fixture(scope="module")
def library() -> KernelLibrary:
    core = load_core("host")
    functions = {}
    for name in (POOL, POINTWISE):
        workload = Workload.parse(name)
        template = template_for(workload)
        assert template is not None
        knobs = dataclasses.asdict(template.default(workload, core))
        functions[name] = schedule_kernel(workload, knobs, core)
    return KernelLibrary(functions, core)


def test_a_timed_kernel_has_computed_its_output(library: KernelLibrary) -> None:
    data, mean = library.operands(POOL)
    assert library.seconds_per_call(POOL, 1e-4) > 0
    np.testing.assert_allclose(mean.reshape(-1), data.reshape(49, 40).mean(axis=0), rtol=1e-5)


def test_operands_are_those_of_the_kernel(library: KernelLibrary) -> None:
    data, scale, residual, *weights, output = library.operands(POINTWISE)
    assert (data.size, scale.size, residual.size, output.size) == (49 * 24, 24, 49 * 40, 49 * 40)
    assert sum(array.size for array in weights) >= 24 * 40 + 40
    before = output.copy()
    library.seconds_per_call(POINTWISE, 1e-4)
    assert not np.array_equal(output, before)


def test_the_time_of_a_part_is_that_of_all_tasks_at_its_rate(library: KernelLibrary) -> None:
    *_, output = library.operands(POINTWISE)
    output[...] = np.nan
    assert library.seconds_per_call(POINTWISE, 1e-4, 3 / 7) > 0
    computed = np.isfinite(output.reshape(49, 40)).all(axis=1)
    assert computed[:15].all()
    assert not computed[30:].any()


def test_what_a_kernel_reads_ahead_is_there() -> None:
    core = load_core("host")
    workload = Workload.parse("pointwise_h3w3_i64_o256_f32")
    template = template_for(workload)
    assert template is not None
    function = template.scheduled(workload, template.default(workload, core), core).mod["main"]
    lowered = lower(function, workload.name, llvm_target(core, f"{core.isa}-linux-gnu"))
    _, _, ahead, _ = KernelLibrary({workload.name: function}, core).operands(workload.name)
    assert ahead.base is not None
    assert ahead.base.nbytes >= lowered.ahead_bytes
    assert lowered.ahead_bytes > 0 or core.isa != "x86_64"


def test_a_workload_without_a_template_is_refused() -> None:
    with pytest.raises(ValueError, match="no template serves"):
        schedule_kernel(
            Workload("pool", 8, 8, height=4, width=4, dtype="float32", layout="nchw"), {}, load_core("host")
        )


def test_rates_are_weighted_by_time() -> None:
    def kernel(workload: str, uses: int, microseconds: float, of_peak: float) -> KernelTime:
        return KernelTime(workload, uses, {}, "default", microseconds, microseconds, 1_000_000, 4, None, of_peak)

    # 2 x 1 million in 2 x 10 us, and 1 million in 80 us.
    kernels = [kernel(POINTWISE, 2, 10.0, 0.9), kernel("pointwise_h14w14_i40_o120_f32_bias_hswish", 1, 80.0, 0.4)]
    report = KernelReport({}, "some", [*kernels, kernel(POOL, 1, 1.0, 0.0)], 1e-3, Roofline(1, 100.0, 10.0, None))
    assert report.gmac_per_second(kernels) == pytest.approx(3e6 / 100e-6 / 1e9)
    assert report.of_peak(kernels) == pytest.approx((2 * 10 * 0.9 + 80 * 0.4) / 100)
    assert list(report.by_operator()) == ["pointwise", "pool"]
    assert report.sum_microseconds == pytest.approx(101.0)
