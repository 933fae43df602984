"""On a large map a depthwise kernel's mean is taken by rows, which computes the same; on a small one it is left."""

from __future__ import annotations

import numpy as np
from passes.interpreter import run
from passes.stage import kernel_call, module_of, operators

from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.passes.composite import operands
from tvm_mnv3.passes.pool_by_rows import mean_of_rows, pool_by_rows
from tvm_mnv3.workload import Workload

LARGE, SMALL = "depthwise_n2_k3s2_h9w12_c16_f32_bias_relu_pool", "depthwise_n2_k3s2_h9w7_c16_f32_bias_relu_pool"


def _two_kernels(name: str) -> IRModule:
    """The same kernel twice, on one map, each with weights of its own; both maps and both means are results."""
    random = np.random.default_rng(4)

    def body(builder: relax.BlockBuilder, x: relax.Var) -> relax.Expr:
        pairs = [kernel_call(builder, name, x, random) for _ in range(2)]
        return relax.Tuple([builder.emit(relax.TupleGetItem(pair, index)) for pair in pairs for index in (1, 0)])

    return module_of(body, operands(Workload.parse(name))["data"])


def test_on_a_large_map_the_mean_is_that_of_the_rows_means() -> None:
    whole = _two_kernels(LARGE)
    by_rows = pool_by_rows(whole)
    assert operators(by_rows)["depthwise_n2_k3s2_h9w12_c16_f32_bias_relu_rowpool"] == 2
    assert operators(by_rows)["pool_n2_h5w1_c16_f32"] == 2
    assert LARGE not in operators(by_rows)
    picture = np.random.default_rng(0).normal(size=(2, 9, 12, 16)).astype("float32")
    for found, expected in zip(run(by_rows, picture), run(whole, picture), strict=True):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_on_a_small_map_the_kernel_stays() -> None:
    assert operators(pool_by_rows(_two_kernels(SMALL)))[SMALL] == 2


def test_the_rows_means_are_a_map_of_one_column() -> None:
    rows = mean_of_rows(Workload.parse("depthwise_n2_k5s2_h56w48_c72_f16_bias_relu_rowpool"))
    assert rows.name == "pool_n2_h28w1_c72_f16"
