"""Where each step of a network reads ahead: behind what the one before has read (docs/memory.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tvm_mnv3.targets import Core

from .lowering import LoweredKernel
from .program import ALIGNMENT, Place, Program, Space, Step

#: Weights read ahead may fill this part of the last cache, or of the second-level one where there is no other.
_SHARE, _SHARE_OF_L2 = 1 / 8, 1 / 2


def plan_reads_ahead(program: Program, kernels: Mapping[str, LoweredKernel], core: Core) -> Program:
    """The program, with places for the operands ``ahead`` of the kernels that have one.

    Weights lie in the order of their use, so that reading ahead is one walk through them. It goes on where it has
    ended, but begins behind the weights that are in use by then, and stops where the caches are full of others.
    """
    most = int(max(_SHARE * core.l3_bytes, _SHARE_OF_L2 * core.l2_bytes))
    steps = []
    used = read = 0
    for step in program.steps:
        used = max([used, *(place.index + program.weight_bytes[place.index] for place in _weights(step))])
        ahead = kernels[step.kernel].ahead_bytes if step.kernel else 0
        if ahead:
            start = max(used, min(read, used + most - ahead)) // ALIGNMENT * ALIGNMENT
            read = start + ahead
            step = replace(step, operands=_reading_from(start, step))
        steps.append(step)
    return replace(program, steps=tuple(steps))


def _weights(step: Step) -> list[Place]:
    return [place for place in step.operands if place.space is Space.WEIGHTS]


def _reading_from(start: int, step: Step) -> tuple[Place, ...]:
    """The step's operands: ``ahead`` is the last of the weights, before the outputs."""
    *inputs, _ = step.operands[: -step.outputs]
    return (*inputs, Place(Space.AHEAD, start), *step.operands[-step.outputs :])
