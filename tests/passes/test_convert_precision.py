"""ConvertPrecision: kernels in float16, everything else as it was."""

from __future__ import annotations

import numpy as np
import pytest
from support.networks import NetworkBuilder

from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.errors import InputError
from tvm_mnv3.passes.convert_precision import convert_precision
from tvm_mnv3.passes.dataflow import Dataflow, array, dtype, operator, shape
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
    assert [workload.dtype for workload in workloads] == ["float32"] + ["float16"] * 4
    assert [dtype(parameter) for parameter in flow.parameters] == ["float32"]
    assert [str(field.dtype) for field in module["main"].ret_ty.fields] == ["float32", "float32"]


def test_a_value_is_cast_once() -> None:
    flow = Dataflow.of(convert_precision(network()))
    casts = [var for var, value in flow.definitions.items() if operator(value) == "astype"]
    # x as the residual, and what the first kernel gives; the logits, which two read.
    assert sorted(dtype(var) for var in casts) == ["float16"] * 3 + ["float32"]


def test_ordinary_operators_stay_in_their_dtype() -> None:
    flow = Dataflow.of(convert_precision(network()))
    assert [dtype(var) for var, value in flow.definitions.items() if operator(value) == "nn.softmax"] == ["float32"]


#: With the multiply-adds, in millions, up to the end of each.
DEEP = (
    "conv_k3s2_h224w224_i3_o16_f32_nchw_bias_hswish",  # 5.4
    "depthwise_k3s2_h112w112_c16_f32_bias_relu",  # 5.9
    "pointwise_h56w56_i16_o16_f32_bias",  # 6.7
    "pointwise_h56w56_i16_o72_f32_bias_relu",  # 10.3
    "depthwise_k3s2_h56w56_c72_f32_bias_relu",  # 10.8
    "pointwise_h28w28_i72_o24_f32_bias",  # 12.1
    "depthwise_k3s1_h28w28_c24_f32_bias_relu",  # 12.3
    "pointwise_h28w28_i24_o720_f32_bias_relu",  # 25.9
    "pointwise_h28w28_i720_o24_f32_bias",  # 39.4
)


def deep_network(kernels: int) -> IRModule:
    """The first so many of `DEEP`, one after another."""
    x = relax.Var("x", relax.TensorType((1, 3, 224, 224), "float32"))

    def body(n: NetworkBuilder) -> list[relax.Expr]:
        value: relax.Expr = x
        for name in DEEP[:kernels]:
            (value,) = n.kernel(name, data=value)
        return [value]

    return NetworkBuilder().build([x], body)


@pytest.mark.parametrize(
    ("kernels", "exact"),
    [
        pytest.param(9, 6, id="up to a projection, with at most 12.5 million multiply-adds"),
        pytest.param(8, 3, id="and at most a third of the network's"),
        pytest.param(6, 1, id="where no projection is within these, the first kernel"),
    ],
)
def test_the_first_kernels_stay_in_float32(kernels: int, exact: int) -> None:
    names = [str(value.op.name_hint) for value in converted(deep_network(kernels))]
    assert names == [
        name if number < exact else name.replace("f32", "f16") for number, name in enumerate(DEEP[:kernels])
    ]


def test_what_leaves_the_float32_kernels_is_cast_once_and_the_input_never() -> None:
    flow = Dataflow.of(convert_precision(deep_network(9)))
    casts = [var for var, value in flow.definitions.items() if operator(value) == "astype"]
    assert [(shape(var), dtype(var)) for var in casts] == [((1, 28, 28, 24), "float16"), ((1, 28, 28, 24), "float32")]


def test_a_kernel_that_normalizes_its_input_stays_in_float32() -> None:
    x, y = (
        relax.Var(name, relax.TensorType((1, 32, 32, 3), kind)) for name, kind in (("x", "float32"), ("y", "uint8"))
    )

    def body(n: NetworkBuilder) -> list[relax.Expr]:
        return [
            *n.kernel("conv_k3s2_h32w32_i3_o16_f32_bias_relu", data=x),
            *n.kernel("conv_k3s2_h32w32_i3_o16_f32_pixels_affine_bias_relu", data=y),
            *n.kernel("conv_k3s2_h32w32_i3_o8_f32_bias_relu", data=x),
        ]

    names = [str(value.op.name_hint) for value in converted(NetworkBuilder().build([x, y], body))]
    assert [name.split("_")[5] for name in names] == ["f32", "f32", "f16"]


def test_weight_beyond_float16_is_refused() -> None:
    with pytest.raises(InputError, match=r"beyond float16's range of 65504; compile with --precision fp32"):
        convert_precision(network(factor=1e6))


def test_weights_are_kept_in_float16_and_biases_in_float32() -> None:
    constants = [array(arg) for value in converted(network()) for arg in value.args]
    kinds = [constant.dtype.name for constant in constants if constant is not None]
    # The depthwise kernel is the first one, whose weight stays float32; the others have four weights.
    assert sorted(kinds) == ["float16"] * 4 + ["float32"] * 6


def test_weights_are_rounded_so_that_their_sums_stay() -> None:
    before, after = (array(call.args[1]) for call in (deep_kernel(deep_network(6)), converted(deep_network(6))[-1]))
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(after, rounded_to_half(before, ""))
    assert (after != before.astype(np.float16)).any()


def converted(network: IRModule) -> list[relax.Call]:
    """The calls of kernels after conversion."""
    module = convert_precision(network)
    return [value for value in Dataflow.of(module).definitions.values() if called_workload(value, module)]


def deep_kernel(network: IRModule) -> relax.Call:
    """The last call of a kernel as it was before."""
    return [value for value in Dataflow.of(network).definitions.values() if called_workload(value, network)][-1]
