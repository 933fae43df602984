"""Where each step of a network reads ahead: behind what the one before has read (docs/memory.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tvm_mnv3.targets import Core

from .lowering import LoweredKernel
from .program import ALIGNMENT, Place, Program, Space, Step

#: Weights read ahead may fill this part of the last cache, or of the second-level one.
_SHARE, _SHARE_OF_L2 = 1 / 8, 1 / 2


def plan_reads_ahead(program: Program, kernels: Mapping[str, LoweredKernel], core: Core) -> Program:
    """The program, with places for the operands ``ahead`` of the kernels that have one.

    Weights lie in the order of their use, so that reading ahead is one walk through them. It goes on where it has
    ended, but begins behind the weights that are in use by then, and stops where the caches are full of others.
    """
    most = _most_ahead(len(program.weights), core)
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


def _most_ahead(weight_bytes: int, core: Core) -> int:
    """Bytes that may wait in the caches. A last cache whose share holds all weights keeps them from run to run, so that
    only the second-level one has any to gain."""
    last, second = int(_SHARE * core.l3_bytes), int(_SHARE_OF_L2 * core.l2_bytes)
    return last if second < last < weight_bytes else second


def _weights(step: Step) -> list[Place]:
    return [place for place in step.operands if place.space is Space.WEIGHTS]


def _reading_from(start: int, step: Step) -> tuple[Place, ...]:
    """The step's operands: ``ahead`` is the last of the weights, before the outputs."""
    *inputs, _ = step.operands[: -step.outputs]
    return (*inputs, Place(Space.AHEAD, start), *step.operands[-step.outputs :])
