"""StoreWeightsAsHalf: keep the weights of a network in normal form as float16, half the bytes, and compute in float32.

Only weights are rounded; biases are few and stay float32, as do activations and sums. Two kinds of weights stay too:

- depthwise convolutions': they are 2 % of a trained V3-Small's weights, and rounding them moved its logits by 0.8 % of
  their range, rounding all the others by 0.14 %. A channel's few taps meet neighbouring pixels, which are alike: where
  the taps nearly cancel, their errors do not.
- other convolutions' with a window: the family has only the stem's, less than 2 KB, and widening them at every tile of
  its many pixels doubled its modelled cycles on a cortex-a76.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.passes.composite import operand_dtype, operands
from tvm_mnv3.passes.dataflow import Dataflow, array
from tvm_mnv3.passes.half_weights import HALF, rounded_to_half
from tvm_mnv3.passes.kernels import Kernel, called_workload, write_kernels
from tvm_mnv3.workload import Workload

#: The operators whose weights are rounded.
OPERATORS = ("pointwise", "dense", "se")


def store_weights_as_half(module: IRModule, served: Callable[[Workload], bool]) -> IRModule:
    """Every composite of a module in normal form whose operator is one of `OPERATORS`, its weights rounded to float16.

    Parameters
    ----------
    module
        In normal form, in float32; a kernel of another dtype stays as it is.
    served
        Whether a kernel of that workload widens its weights as it reads them. The others keep theirs in float32: they
        would be widened into memory, by a kernel of its own, in every run.

    Raises
    ------
    InputError
        A weight is beyond float16's range.
    """
    kernels = []
    for var, value in Dataflow.of(module).definitions.items():
        workload = called_workload(value, module)
        if workload is None or workload.operator not in OPERATORS or workload.dtype != "float32":
            continue
        half = dataclasses.replace(workload, weights_dtype=HALF)
        if served(half):
            kernels.append(Kernel(half, _rounded(value, half), (var,)))
    return write_kernels(module, kernels)


def _rounded(call: relax.Call, workload: Workload) -> dict[str, relax.Expr | np.ndarray]:
    """The arguments of a composite's call by role, its weights rounded."""
    arguments = dict(zip(operands(workload), call.args, strict=True))
    for role, argument in arguments.items():
        weight = array(argument)
        if weight is not None and operand_dtype(workload, role) == HALF:
            arguments[role] = rounded_to_half(weight, "compile with --weights-storage fp32")
    return arguments
