"""FusePooling: a global average pooling that no depthwise kernel took becomes a ``pool`` kernel of its own."""

from __future__ import annotations

from tvm_mnv3.compat import IRModule
from tvm_mnv3.passes.dataflow import Dataflow, dtype, operator, shape
from tvm_mnv3.passes.kernels import Kernel, write_kernels
from tvm_mnv3.workload import DTYPES, Workload


def fuse_pooling(module: IRModule) -> IRModule:
    """Write each mean over height and width of an NHWC map as a ``pool`` composite."""
    kernels = []
    for var, value in Dataflow.of(module).definitions.items():
        if operator(value) != "mean" or not value.attrs.keepdims or dtype(value) not in DTYPES:
            continue
        if len(shape(value)) != 4 or [int(axis) for axis in value.attrs.axis] != [1, 2]:
            continue
        batch, height, width, channels = shape(value.args[0])
        workload = Workload("pool", channels, channels, batch=batch, height=height, width=width, dtype=dtype(value))
        kernels.append(Kernel(workload, {"data": value.args[0]}, (var,)))
    return write_kernels(module, kernels)
