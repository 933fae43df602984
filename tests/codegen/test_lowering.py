"""Buffers of a lowered kernel: on the stack, where they begin with a cache line."""

from __future__ import annotations

import pytest
from support.cores import WIDE
from support.kernels import TRIPLE, lower_kernel

from tvm_mnv3.codegen.object_code import llvm_target
from tvm_mnv3.compat import IRModule, tvm
from tvm_mnv3.schedules.registry import template_for
from tvm_mnv3.workload import Workload


@pytest.mark.parametrize(
    "name", ["pointwise_h14w14_i672_o112_f32_scale_bias_add", "conv_k3s2_h32w32_i3_o16_f32_pixels_affine_bias_hswish"]
)
def test_a_panel_that_vectors_are_stored_to_begins_with_a_cache_line(name: str) -> None:
    workload = Workload.parse(name)
    template = template_for(workload)
    assert template is not None
    lowered = lower_kernel("kernel", workload, template.default(workload, WIDE), WIDE, TRIPLE)
    build = tvm.get_global_func("target.build.llvm")
    code = build(IRModule({"kernel": lowered.function}), llvm_target(WIDE, TRIPLE)).inspect_source("ll")
    panels = [line for line in code.splitlines() if "alloca" in line]
    assert panels
    assert all("align 64" in line for line in panels)
