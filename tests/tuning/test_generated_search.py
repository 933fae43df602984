"""Every operator tunes in TVM's generated space too: its kernels are right, and a log's trace makes them again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tvm_mnv3.codegen.object_code import llvm_target
from tvm_mnv3.targets import load_core
from tvm_mnv3.tuning.build import BuiltKernel, build_candidates
from tvm_mnv3.tuning.candidate import Candidate, scheduled_function
from tvm_mnv3.tuning.cost_model import CostModel
from tvm_mnv3.tuning.generated_search import GeneratedSearch
from tvm_mnv3.tuning.local_device import LocalDevice
from tvm_mnv3.workload import Workload

CORE = load_core("host")
TARGET = llvm_target(CORE, f"{CORE.isa}-linux-gnu")
NAMES = (
    "pointwise_h7w7_i24_o40_f32_scale_bias_add",
    "dense_i24_o40_f32w16_bias",
    "depthwise_k5s2_h12w12_c24_f32_bias_hswish_pool",
    "depthwise_k5s2_h12w12_c24_f32_bias_hswish_rowpool",
    "conv_k3s2_h12w12_i3_o24_f32_nchw_bias_hswish",
    "conv_k3s2_h12w12_i3_o24_f32_pixels_affine_bias_hswish",
    "depthwise_k5s2_h12w12_c24_f16_bias_hswish_pool",
    "se_c24_s8_f32_relu_hsigmoid",
    "pool_h7w7_c40_f32",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_generated_kernels_are_right_and_come_back_from_a_log(name: str, tmp_path: Path) -> None:
    search = GeneratedSearch(Workload.parse(name), TARGET, CostModel(TARGET), 0)
    proposals = search.propose(3)
    assert len({candidate.key for candidate in proposals}) == 3
    logged = [Candidate(one.workload, one.space, json.loads(json.dumps(one.knobs))) for one in proposals]
    built = build_candidates(logged, CORE, f"{CORE.isa}-linux-gnu.2.28", tmp_path)
    kernels = [kernel for kernel in built if isinstance(kernel, BuiltKernel)]
    scores = list(LocalDevice(CORE).measure(kernels))
    assert [score.failure for score in scores] == [None] * 3
    search.learn(proposals, [score.seconds[0] for score in scores])
    assert {one.key for one in search.propose(3)}.isdisjoint(one.key for one in proposals)


def test_run_that_goes_on_learns_from_traces() -> None:
    workload = Workload.parse(NAMES[0])
    before = GeneratedSearch(workload, TARGET, CostModel(TARGET), 0).propose(4)
    search = GeneratedSearch(workload, TARGET, CostModel(TARGET), 1)
    search.learn(before, [1.0, 2.0, 3.0, float("inf")])
    after = search.propose(4)
    assert {one.key for one in before}.isdisjoint(one.key for one in after)
    assert scheduled_function(after[0], CORE).params
