"""ConvertPrecision: kernels in float16, everything else as it was."""

from __future__ import annotations

import pytest
from support.networks import NetworkBuilder

from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.errors import InputError
from tvm_mnv3.passes.convert_precision import convert_precision
from tvm_mnv3.passes.dataflow import Dataflow, dtype, operator
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


def test_the_stem_and_the_first_two_depthwise_kernels_sum_in_float32() -> None:
    module = convert_precision(early_network(depthwise=3))
    found = [w for value in Dataflow.of(module).definitions.values() if (w := called_workload(value, module))]
    assert [workload.name for workload in found] == [
        "conv_k3s2_h16w16_i3_o8_f16s32_nchw_affine_bias_hswish",
        "depthwise_k3s1_h8w8_c8_f16s32_bias_relu",
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


def test_weights_are_kept_in_float16() -> None:
    flow = Dataflow.of(convert_precision(network()))
    constants = [
        arg.value.numpy()
        for value in flow.definitions.values()
        if hasattr(value, "args")
        for arg in value.args
        if hasattr(arg, "value") and hasattr(arg.value, "numpy")
    ]
    # The depthwise kernel is the first one, whose weight and bias stay float32.
    assert sorted(constant.dtype.name for constant in constants) == ["float16"] * 8 + ["float32"] * 2
