"""ConvertPrecision: kernels in float16, everything else as it was."""

from __future__ import annotations

import numpy as np
import pytest
from support.networks import NetworkBuilder

from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.errors import InputError
from tvm_mnv3.passes.convert_precision import convert_precision
from tvm_mnv3.passes.dataflow import Dataflow, array, dtype, operator
from tvm_mnv3.passes.half_weights import rounded_to_half
from tvm_mnv3.passes.kernels import called_workload


def network(factor: float = 1.0) -> IRModule:
    """A bottleneck with SE, a softmax, and two outputs: one a kernel's, one an ordinary operator's."""
    x = relax.Var("x", relax.TensorType((1, 8, 8, 16), "float32"))

    def body(n: NetworkBuilder) -> list[relax.Expr]:
        deep, mean = n.kernel("depthwise_k3s1_h8w8_c16_f32_bias_hswish_pool", data=x)
        (scale,) = n.kernel("se_c16_s8_f32_relu_hsigmoid", data=mean)
        (narrow,) = n.kernel("pointwise_h8w8_i16_o16_f32_scale_bias_add", data=deep, scale=scale, residual=x)
        (pooled,) = n.kernel("pool_h8w8_c16_f32", data=narrow)
        n.factor = factor
        (logits,) = n.kernel("dense_i16_o8_f32_bias", data=n.view(pooled, (1, 16)))
        return [logits, n.builder.emit(relax.op.nn.softmax(logits))]

    return NetworkBuilder().build([x], body)


def test_kernels_become_float16_and_inputs_and_outputs_stay() -> None:
    module = convert_precision(network())
    flow = Dataflow.of(module)
    workloads = [w for value in flow.definitions.values() if (w := called_workload(value, module)) is not None]
    assert [workload.operator for workload in workloads] == ["depthwise", "se", "pointwise", "pool", "dense"]
    assert {workload.dtype for workload in workloads} == {"float16"}
    assert [dtype(parameter) for parameter in flow.parameters] == ["float32"]
    assert [str(field.dtype) for field in module["main"].ret_ty.fields] == ["float32", "float32"]


def test_a_value_is_cast_once() -> None:
    flow = Dataflow.of(convert_precision(network()))
    casts = [var for var, value in flow.definitions.items() if operator(value) == "astype"]
    assert sorted(dtype(var) for var in casts) == ["float16", "float32"]  # x in, the logits out


def test_ordinary_operators_stay_in_their_dtype() -> None:
    flow = Dataflow.of(convert_precision(network()))
    assert [dtype(var) for var, value in flow.definitions.items() if operator(value) == "nn.softmax"] == ["float32"]


def early_network(depthwise: int) -> IRModule:
    """A stem that reads the network's float32 input, and so many depthwise kernels."""
    x = relax.Var("x", relax.TensorType((1, 3, 16, 16), "float32"))

    def body(n: NetworkBuilder) -> list[relax.Expr]:
        (value,) = n.kernel("conv_k3s2_h16w16_i3_o8_f32_nchw_bias_hswish", data=x)
        for _ in range(depthwise):
            (value,) = n.kernel("depthwise_k3s1_h8w8_c8_f32_bias_relu", data=value)
        return [value]

    return NetworkBuilder().build([x], body)


def test_the_stem_and_the_first_depthwise_kernel_sum_in_float32() -> None:
    module = convert_precision(early_network(depthwise=2))
    found = [w for value in Dataflow.of(module).definitions.values() if (w := called_workload(value, module))]
    assert [workload.name for workload in found] == [
        "conv_k3s2_h16w16_i3_o8_f16s32_nchw_affine_bias_hswish",
        "depthwise_k3s1_h8w8_c8_f16s32_bias_relu",
        "depthwise_k3s1_h8w8_c8_f16_bias_relu",
    ]


def test_the_stem_reads_the_float32_input_as_it_is() -> None:
    flow = Dataflow.of(convert_precision(early_network(depthwise=1)))
    casts = [var for var, value in flow.definitions.items() if operator(value) == "astype"]
    assert [dtype(var) for var in casts] == ["float32"]  # the output


def test_weight_beyond_float16_is_refused() -> None:
    with pytest.raises(InputError, match=r"beyond float16's range of 65504; compile with --precision fp32"):
        convert_precision(network(factor=1e6))


def test_weights_are_kept_in_float16_and_biases_in_float32() -> None:
    constants = [array(arg) for value in kernels(network()) for arg in value.args]
    kinds = [constant.dtype.name for constant in constants if constant is not None]
    # The depthwise kernel is the first one, whose weight stays float32; the others have four weights.
    assert sorted(kinds) == ["float16"] * 4 + ["float32"] * 6


def test_weights_are_rounded_so_that_their_sums_stay() -> None:
    before, after = (array(call.args[1]) for call in (deep_kernel(early_network(2)), kernels(early_network(2))[-1]))
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(after, rounded_to_half(before, ""))
    assert (after != before.astype(np.float16)).any()


def kernels(network: IRModule) -> list[relax.Call]:
    """The calls of kernels after conversion."""
    module = convert_precision(network)
    return [value for value in Dataflow.of(module).definitions.values() if called_workload(value, module)]


def deep_kernel(network: IRModule) -> relax.Call:
    """The last call of a kernel as it was before."""
    return [value for value in Dataflow.of(network).definitions.values() if called_workload(value, network)][-1]
