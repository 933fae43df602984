"""Expansion and depthwise convolution that run by slices of channels, so that the wide tensor between them stays hot.

A squeeze-excite block wants the mean of a whole picture, which forbids bands of rows (`tvm_mnv3.codegen.bands`); but a
channel of the depthwise convolution needs the same channel of its input only. So a slice of channels is expanded and
convolved before the next one is begun. Every slice is written over the thread's one before: the address of the wide
tensor moves back as the slices go on, so of all its cache lines each thread touches only one slice's. The kernels stay
as they are.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import lcm

from tvm_mnv3.schedules.template import as_numpy_dtype

from .kernels import Kernel
from .lowering import LoweredKernel
from .program import ALIGNMENT, Place, Program, Step, passed_on_once

#: With fewer slices two cores would share too unevenly (measured on the host, docs/fusion.md).
_FEWEST = 7
#: As many may run at once as ``runtime/slots.h`` has slots.
_MOST = 64


@dataclass(frozen=True)
class Slices:
    """An expansion and the depthwise convolution behind it.

    Parameters
    ----------
    name
        Of their step.
    first
        The number of the expansion in the program without slices.
    expand, depthwise
        Their steps there.
    tasks
        How many slices there are.
    slice_bytes
        Of one pixel of a slice.
    expand_tasks, depthwise_tasks
        Tasks of each kernel for a slice.
    """

    name: str
    first: int
    expand: Step
    depthwise: Step
    tasks: int
    slice_bytes: int
    expand_tasks: int
    depthwise_tasks: int

    @property
    def length(self) -> int:
        """How many steps they replace."""
        return 2

    @property
    def step(self) -> Step:
        """What replaces them; of its operands only their lives matter."""
        return Step(self.name, (*self.expand.operands, *self.depthwise.operands))


def find_slices(
    program: Program, kernels: Mapping[str, Kernel], lowered: Mapping[str, LoweredKernel]
) -> tuple[Slices, ...]:
    """All such pairs of a program whose tasks fall into slices.

    Parameters
    ----------
    kernels, lowered
        Of the program's steps, by symbol.
    """
    alone = passed_on_once(program.steps)
    found: list[Slices] = []
    for number, (expand, depthwise) in enumerate(itertools.pairwise(program.steps)):
        if alone[number] and expand.kernel and depthwise.kernel:
            pair = [(kernels[symbol], lowered[symbol].tasks) for symbol in (expand.kernel, depthwise.kernel)]
            sizes = _sizes(*pair[0], *pair[1])
            if sizes is not None:
                found.append(Slices(f"slices_{len(found)}", number, expand, depthwise, *sizes))
    return tuple(found)


def _sizes(
    expand: Kernel, expand_tasks: int, depthwise: Kernel, depthwise_tasks: int
) -> tuple[int, int, int, int] | None:
    """The numbers of `Slices`; None where the kernels' tasks are no blocks of channels."""
    wide, deep = expand.workload, depthwise.workload
    if wide is None or deep is None or (wide.operator, deep.operator) != ("pointwise", "depthwise"):
        return None
    if wide.batch != 1 or expand.knobs["order"] != "columns" or "pool" not in deep.epilogue:
        return None
    channels, pixel = deep.in_channels, as_numpy_dtype(deep).itemsize
    blocks = [kernel.knobs["vectors"] * kernel.knobs["lanes"] for kernel in (expand, depthwise)]
    # Kernels may read with the alignment of the whole tensor, so its address moves by whole cache lines.
    width = lcm(*blocks, ALIGNMENT // pixel)
    if channels % width:
        return None
    tasks = channels // width
    if not _FEWEST <= tasks <= _MOST:
        return None
    return tasks, width * pixel, expand_tasks // tasks, depthwise_tasks // tasks


def slices_source(slices: Slices, number: int, address: Callable[[Place], str]) -> str:
    """The task function of the driver's step of that number.

    Parameters
    ----------
    address
        The C expression of a place.
    """
    wide = slices.expand.operands[-1]

    def call(step: Step, tasks: int) -> str:
        operands = ["wide" if place == wide else address(place) for place in step.operands]
        return f"    {step.kernel}({', '.join([*operands, f'slice * {tasks}', f'(slice + 1) * {tasks}'])});\n"

    return (
        f"static void step_{number}(void *state, int32_t begin, int32_t end) {{\n"
        "  state_t *s = (state_t *)state;\n"
        "  const int32_t slot = slot_take(&s->slots);\n"
        "  for (int32_t slice = begin; slice < end; ++slice) {\n"
        "    /* Every slice lies where that of the slot's number would. */\n"
        f"    const void *wide = {address(wide)} - (intptr_t)(slice - slot) * {slices.slice_bytes};\n"
        f"{call(slices.expand, slices.expand_tasks)}"
        f"{call(slices.depthwise, slices.depthwise_tasks)}"
        "  }\n"
        "  slot_give(&s->slots, slot);\n"
        "}"
    )
