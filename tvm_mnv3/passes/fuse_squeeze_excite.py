"""FuseSqueezeExcite: the two dense layers of a squeeze-excite block become one ``se`` kernel.

The block (Searching for MobileNetV3, figure 4) is ``x * hsigmoid(dense(relu(dense(mean(x)))))``. The mean and
the product stay: FuseConvolutions gives them to the convolution before and the projection after. Where the
product does not go to one projection alone, the layers stay apart, and become two ``dense`` kernels.
"""

from __future__ import annotations

import numpy as np

from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.passes.activations import Found, find_activations
from tvm_mnv3.passes.dataflow import Dataflow, operator, shape
from tvm_mnv3.passes.kernels import Kernel, without_views, write_kernels
from tvm_mnv3.passes.linear import Linear, linear_at
from tvm_mnv3.workload import Workload


def fuse_squeeze_excite(module: IRModule) -> IRModule:
    """Write each squeeze-excite block's dense layers as one ``se`` composite."""
    flow = Dataflow.of(module)
    activations = find_activations(flow)
    layers = {linear.result: linear for var in flow.definitions if (linear := linear_at(var, flow)) is not None}
    kernels = (
        _squeeze_excite(gate, layers, activations, flow) for gate in activations.values() if gate.name == "hsigmoid"
    )
    return write_kernels(module, [kernel for kernel in kernels if kernel is not None])


def _squeeze_excite(
    gate: Found, layers: dict[relax.Var, Linear], activations: dict[relax.Var, Found], flow: Dataflow
) -> Kernel | None:
    excite = layers.get(without_views(gate.source, flow))
    if excite is None or excite.workload.operator != "dense":
        return None
    relu = activations.get(without_views(excite.data, flow))
    squeeze = layers.get(without_views(relu.source, flow)) if relu and relu.name == "relu" else None
    if squeeze is None or squeeze.workload.operator != "dense":
        return None
    mean = without_views(squeeze.data, flow)
    if not _is_squeeze(mean, flow) or not _scales_one_projection(gate.result, flow):
        return None
    batch, _, _, channels = shape(mean)
    if excite.workload.out_channels != channels:
        return None
    workload = Workload(
        "se",
        channels,
        squeeze.workload.out_channels,
        batch=batch,
        dtype=squeeze.workload.dtype,
        epilogue=("relu", "hsigmoid"),
    )
    arguments = {
        "data": mean,
        "weight1": squeeze.weight,
        "bias1": _bias(squeeze),
        "weight2": excite.weight,
        "bias2": _bias(excite),
    }
    return Kernel(workload, arguments, (gate.result,))


def _is_squeeze(expr: relax.Expr, flow: Dataflow) -> bool:
    """Whether an expression is the mean over height and width of a map, with the axes kept."""
    mean = flow.value(expr)
    if operator(mean) != "mean" or not mean.attrs.keepdims or len(shape(mean)) != 4:
        return False
    return sorted(int(axis) % 4 for axis in mean.attrs.axis) == [1, 2]


def _scales_one_projection(gate: relax.Var, flow: Dataflow) -> bool:
    """Whether a gate's one use is to scale the input of one pointwise convolution."""
    product = flow.only_reader(gate)
    while product is not None and operator(flow.definitions[product]) == "reshape":
        product = flow.only_reader(product)
    if product is None or operator(flow.definitions[product]) != "multiply":
        return False
    projection = flow.only_reader(product)
    if projection is None:
        return False
    linear = linear_at(projection, flow)
    return linear is not None and linear.workload.operator == "pointwise" and linear.data == product


def _bias(linear: Linear) -> np.ndarray:
    if linear.bias is not None:
        return linear.bias
    return np.zeros(linear.workload.out_channels, linear.weight.dtype)
