"""The pooling kernel's tasks: threads share what is worth a barrier."""

from __future__ import annotations

import pytest
from support.kernels import lower_kernel

from tvm_mnv3.schedules.pool import ALONE, default
from tvm_mnv3.targets import load_core
from tvm_mnv3.workload import Workload


@pytest.mark.parametrize(("name", "tasks"), [("pool_h28w1_c120_f32", 1), ("pool_h7w7_c960_f32", 60)])
def test_few_values_are_one_task(name: str, tasks: int) -> None:
    core, workload = load_core("cortex-a76"), Workload.parse(name)
    kernel = lower_kernel("k", workload, default(workload, core), core, "aarch64-linux-gnu")
    assert kernel.tasks == tasks
    assert (workload.height * workload.width * workload.in_channels > ALONE) == (tasks > 1)
