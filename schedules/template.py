"""A `Template`: everything the project knows of one operator's kernel, in six functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from tvm_mnv3.compat import IRModule, Schedule, tirx
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

Array = npt.NDArray[Any]
#: A template's knobs: a frozen dataclass of numbers and strings, so that a log can hold it as a JSON object.
K = TypeVar("K")


@dataclass(frozen=True)
class Template(Generic[K]):
    """How one operator's kernels are made.

    Parameters
    ----------
    operator
        The `Workload.operator` that it serves.
    version
        Raised when the meaning of a knob changes; a log entry of another version is not used.
    knobs_type
        The dataclass of its knobs.
    serves
        Whether the template can make a kernel for that workload.
    compute
        The kernel before scheduling. Its buffers are the operands that are activations, in the order of
        `activation_operands`, then the packed weights in the order of `pack`'s result, then the outputs.
    schedule
        Schedules that kernel, in place. The loop whose iterations are the kernel's tasks is annotated with
        `TASK`; a kernel without one is a single task.
    knobs
        The space: every assignment worth measuring.
    default
        The assignment to use without any search, chosen from the core's registers and caches.
    pack
        The weights as the kernel reads them, from plain ones by role (``weight``, ``bias``; layouts and dtypes as in
        `tvm_mnv3.passes`).
    reference
        The outputs by NumPy, from all operands by role.
    """

    operator: str
    version: int
    knobs_type: type[K]
    serves: Callable[[Workload], bool]
    compute: Callable[[Workload, K], tirx.PrimFunc]
    schedule: Callable[[Schedule, Workload, K, Core], None]
    knobs: Callable[[Workload, Core], list[K]]
    default: Callable[[Workload, Core], K]
    pack: Callable[[Mapping[str, Array], Workload, K], list[Array]]
    reference: Callable[[Mapping[str, Array], Workload], list[Array]]

    def scheduled(self, workload: Workload, knobs: K, core: Core) -> Schedule:
        """The schedule of that workload's kernel, whose module has it as ``main``."""
        sch = Schedule(IRModule({"main": self.compute(workload, knobs)}))
        self.schedule(sch, workload, knobs, core)
        return sch


#: Annotation of the loop whose iterations a driver may hand out as tasks.
TASK = "tvm_mnv3.task"

#: The operands that are activations, in the order of a kernel's buffers.
ACTIVATION_OPERANDS = ("data", "scale", "residual")


def as_numpy_dtype(workload: Workload) -> np.dtype[Any]:
    """The NumPy dtype of the workload's activations."""
    return np.dtype(workload.dtype)


def without(func: tirx.PrimFunc, indices: list[int]) -> tirx.PrimFunc:
    """The function without the parameters at those indices, which its body does not use."""
    params = [param for index, param in enumerate(func.params) if index not in indices]
    return tirx.PrimFunc(params, func.body, func.ret_type, func.attrs)
