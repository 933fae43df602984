"""FuseConvolutions: each convolution and dense layer becomes one kernel with all that can ride along.

Bias and activation follow in the kernel's epilogue; after a projection the residual too; after a depthwise
convolution the mean that feeds a squeeze-excite block. The product with such a block's scale is the
projection's prologue. The convolution that reads the network's NCHW input reads it as it is, and normalizes it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.passes.activations import find_activations
from tvm_mnv3.passes.convert_layout import TO_NHWC
from tvm_mnv3.passes.dataflow import Dataflow, operator, shape
from tvm_mnv3.passes.kernels import Kernel, called_workload, without_views, write_kernels
from tvm_mnv3.passes.linear import Linear, linear_at, with_epilogue
from tvm_mnv3.passes.normalization import normalization_before


def fuse_convolutions(module: IRModule) -> IRModule:
    """Write each convolution and dense layer that has a workload as a composite, with its prologue and epilogue."""
    return write_kernels(module, _Fuser(module).kernels())


class _Fuser:
    def __init__(self, module: IRModule) -> None:
        self._flow = Dataflow.of(module)
        self._activation_of = {
            found.source: found for found in find_activations(self._flow).values() if found.owns_source(self._flow)
        }
        self._gates = {
            var
            for var, value in self._flow.definitions.items()
            if (workload := called_workload(value, module)) and workload.operator == "se"
        }

    def kernels(self) -> list[Kernel]:
        """The kernels, the last one first: where both sides of a sum are convolutions, the later one takes it."""
        kernels: list[Kernel] = []
        taken: set[relax.Var] = set()
        for var in reversed(self._flow.definitions):
            linear = linear_at(var, self._flow)
            if linear is not None:
                kernels.append(self._kernel(linear, taken))
                taken.update(kernels[-1].outputs)
        return kernels

    def _kernel(self, linear: Linear, taken: set[relax.Var]) -> Kernel:
        arguments: dict[str, relax.Expr | np.ndarray] = {"data": linear.data, "weight": linear.weight}
        if linear.bias is not None:
            arguments["bias"] = linear.bias
        kernel = Kernel(linear.workload, arguments, (linear.result,))
        is_pointwise = linear.workload.operator == "pointwise"
        if linear.workload.operator == "conv":
            kernel = self._with_normalization(kernel)
        if is_pointwise:
            kernel = self._with_scale(kernel)
        activation = self._activation_of.get(linear.result)
        if activation is not None:
            kernel = _followed(kernel, activation.name, activation.result)
        elif is_pointwise:
            kernel = self._with_residual(kernel, taken)
        return self._with_pool(kernel) if linear.workload.operator == "depthwise" else kernel

    def _with_normalization(self, kernel: Kernel) -> Kernel:
        found = normalization_before(kernel.arguments["data"], self._flow)
        if found is None:
            return self._with_nchw_input(kernel)
        workload = replace(kernel.workload, layout=found.layout, prologue=("affine",))
        operands = {"data": found.source, "factor": found.factor, "offset": found.offset}
        return replace(kernel, workload=workload, arguments={**kernel.arguments, **operands})

    def _with_nchw_input(self, kernel: Kernel) -> Kernel:
        data = kernel.arguments["data"]
        transpose = self._flow.value(data)
        if operator(transpose) != "permute_dims" or tuple(transpose.attrs.axes) != TO_NHWC:
            return kernel
        if self._flow.only_reader(data) is None:
            return kernel
        workload = replace(kernel.workload, layout="nchw")
        return replace(kernel, workload=workload, arguments={**kernel.arguments, "data": transpose.args[0]})

    def _with_scale(self, kernel: Kernel) -> Kernel:
        product = self._flow.value(kernel.arguments["data"])
        if operator(product) != "multiply" or self._flow.only_reader(kernel.arguments["data"]) is None:
            return kernel
        for data, scale in (product.args, reversed(product.args)):
            if without_views(scale, self._flow) in self._gates and shape(data) == shape(product):
                workload = replace(kernel.workload, prologue=("scale",))
                return replace(kernel, workload=workload, arguments={**kernel.arguments, "data": data, "scale": scale})
        return kernel

    def _with_residual(self, kernel: Kernel, taken: set[relax.Var]) -> Kernel:
        (result,) = kernel.outputs
        reader = self._flow.only_reader(result)
        if reader is None or reader in taken or operator(total := self._flow.definitions[reader]) != "add":
            return kernel
        residual = total.args[1] if total.args[0] == result else total.args[0]
        if not isinstance(residual, relax.Var) or shape(residual) != shape(result):
            return kernel
        summed = _followed(kernel, "add", reader)
        return replace(summed, arguments={**kernel.arguments, "residual": residual})

    def _with_pool(self, kernel: Kernel) -> Kernel:
        (result,) = kernel.outputs
        for mean in self._flow.readers[result]:
            if mean is None or operator(value := self._flow.definitions[mean]) != "mean":
                continue
            is_squeeze = value.attrs.keepdims and [int(axis) for axis in value.attrs.axis] == [1, 2]
            if is_squeeze and self._flow.only_reader(mean) in self._gates:
                return replace(_followed(kernel, "pool", result), outputs=(result, mean))
        return kernel


def _followed(kernel: Kernel, step: str, result: relax.Var) -> Kernel:
    """A kernel with one more step in its epilogue, whose value is in `result`."""
    return replace(kernel, workload=with_epilogue(kernel.workload, step), outputs=(result,))
