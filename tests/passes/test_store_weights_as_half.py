"""StoreWeightsAsHalf: the same network on weights rounded to float16, everything else as it was."""

from __future__ import annotations

import numpy as np
import pytest
from passes.interpreter import run
from passes.small_network import INPUT, SmallNetwork, imported, randomised
from support.networks import NetworkBuilder

from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.errors import InputError
from tvm_mnv3.passes.composite import operands
from tvm_mnv3.passes.dataflow import Dataflow, array
from tvm_mnv3.passes.half_weights import rounded_to_half
from tvm_mnv3.passes.kernels import called_workload
from tvm_mnv3.passes.normal_form import CheckNormalForm
from tvm_mnv3.passes.pipeline import normalize
from tvm_mnv3.passes.store_weights_as_half import OPERATORS, store_weights_as_half

Constants = dict[tuple[str, str], np.ndarray]


def store(module: IRModule) -> IRModule:
    return store_weights_as_half(module, lambda workload: True)


def constants(module: IRModule) -> Constants:
    """The constant operands of every kernel, by operator with input channels, and role."""
    found: Constants = {}
    for value in Dataflow.of(module).definitions.values():
        workload = called_workload(value, module)
        if workload is not None:
            for role, argument in zip(operands(workload), value.args, strict=True):
                if (constant := array(argument)) is not None:
                    found[f"{workload.operator}_i{workload.in_channels}", role] = constant
    return found


@pytest.fixture(scope="module")
def network() -> IRModule:
    return normalize(imported(randomised(SmallNetwork())))


@pytest.fixture(scope="module")
def stored(network: IRModule) -> IRModule:
    return store(network)


def test_weights_are_rounded_and_biases_and_windows_are_not(network: IRModule, stored: IRModule) -> None:
    before, after = constants(network), constants(stored)
    assert {operator.partition("_")[0] for operator, _ in before} == {*OPERATORS, "depthwise", "conv"}
    assert after.keys() == before.keys()
    for (operator, role), constant in before.items():
        rounded = role.startswith("weight") and not operator.startswith(("depthwise", "conv"))
        assert after[operator, role].dtype == ("float16" if rounded else "float32")
        np.testing.assert_array_equal(after[operator, role], rounded_to_half(constant, "") if rounded else constant)


def test_normal_form_holds_and_knows_the_dtype_of_each_operand(stored: IRModule) -> None:
    assert CheckNormalForm("kernels")(stored) is stored


def test_composites_compute_in_float32_on_the_rounded_weights(network: IRModule, stored: IRModule) -> None:
    picture = np.random.default_rng(0).standard_normal(INPUT).astype(np.float32)
    (expected,), (result,) = run(network, picture), run(stored, picture)
    assert result.dtype == np.float32
    assert 0 < np.abs(result - expected).max() < 2e-3 * np.ptp(expected)


def test_a_second_time_changes_nothing(stored: IRModule) -> None:
    again = constants(store(stored))
    for key, constant in constants(stored).items():
        assert again[key].dtype == constant.dtype
        np.testing.assert_array_equal(again[key], constant)


def test_a_kernel_that_no_template_serves_keeps_its_weights(network: IRModule) -> None:
    kept = constants(store_weights_as_half(network, lambda workload: workload.operator != "se"))
    assert kept["se_i24", "weight1"].dtype == np.float32
    assert kept["dense_i8", "weight"].dtype == np.float16


def test_weight_beyond_float16_is_refused() -> None:
    x = relax.Var("x", relax.TensorType((1, 16), "float32"))

    def body(n: NetworkBuilder) -> relax.Expr:
        n.factor = 1e6
        return n.kernel("dense_i16_o8_f32_bias", data=x)[0]

    with pytest.raises(InputError, match=r"beyond float16's range of 65504; compile with --weights-storage fp32"):
        store(NetworkBuilder().build([x], body))
