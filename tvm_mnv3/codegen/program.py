"""A `Program`: the network as a list of steps, each a kernel on pieces of memory, with every size known."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Protocol

import numpy as np

from tvm_mnv3.compat import Call, GenericConst, GlobalVar, Op, relax

from .kernels import ScheduledModule

#: Everything in the arena and among the weights starts at a multiple of this: a cache line, and the widest vector.
ALIGNMENT = 64


def aligned(size: int) -> int:
    """The size rounded up to a multiple of `ALIGNMENT`."""
    return -(-size // ALIGNMENT) * ALIGNMENT


class Space(Enum):
    """Where a piece of memory lies."""

    INPUT = "input"
    OUTPUT = "output"
    ARENA = "arena"
    WEIGHTS = "weights"
    AHEAD = "ahead"


@dataclass(frozen=True)
class Place:
    """A piece of memory.

    Parameters
    ----------
    index
        Of an input or output its position; in the arena the number of the buffer; among the weights, to read now or
        ahead, the offset in bytes.
    """

    space: Space
    index: int


@dataclass(frozen=True)
class Step:
    """One run of a kernel on its operands, inputs first; without a kernel it copies its first operand to its second.

    Parameters
    ----------
    outputs
        How many of the operands, the last ones, are written.
    """

    kernel: str | None
    operands: tuple[Place, ...]
    copy_bytes: int = 0
    outputs: int = 1


@dataclass(frozen=True)
class Program:
    """The network as steps.

    Parameters
    ----------
    buffer_bytes
        The size of each buffer of the arena.
    weights
        All weights, packed and in place.
    weight_bytes
        The size of each weight by its offset.
    """

    steps: tuple[Step, ...]
    buffer_bytes: tuple[int, ...]
    weights: bytes
    weight_bytes: Mapping[int, int] = field(default_factory=dict)


def build_program(scheduled: ScheduledModule) -> Program:
    """Read the steps off a module whose ``main`` only calls kernels.

    Raises
    ------
    ValueError
        ``main`` holds something that is neither a kernel nor a view.
    """
    return _Reader(scheduled).read()


@dataclass
class _Reader:
    scheduled: ScheduledModule
    places: dict[relax.Var, Any] = field(default_factory=dict)  # of a tuple: a list
    buffers: list[int] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    weights: bytearray = field(default_factory=bytearray)
    offsets: dict[bytes, int] = field(default_factory=dict)

    def read(self) -> Program:
        main = self.scheduled.module["main"]
        for index, parameter in enumerate(main.params):
            self.places[parameter] = Place(Space.INPUT, index)
        for block in main.body.blocks:
            for binding in block.bindings:
                self.places[binding.var] = self._place(binding.value)
        self._return(main.body.body)
        weight_bytes = {offset: len(content) for content, offset in self.offsets.items()}
        return Program(tuple(self.steps), tuple(self.buffers), bytes(self.weights), weight_bytes)

    def _place(self, value: relax.Expr) -> Any:
        """The place (of a tuple: the list of places) of an expression; a kernel's call becomes a step."""
        if isinstance(value, relax.Var):
            return self.places[value]
        if isinstance(value, GenericConst):
            return self._constant(value.value.numpy())
        if isinstance(value, relax.Tuple):
            return [self._place(item) for item in value.fields]
        if isinstance(value, relax.TupleGetItem):
            return self._place(value.tuple_value)[int(value.index)]
        if isinstance(value, Call) and isinstance(value.op, Op):
            if value.op.name == "relax.reshape":
                return self._place(value.args[0])
            if value.op.name in ("relax.call_tir", "relax.call_dps_packed"):
                return self._step(value)
        raise ValueError(f"not a kernel and not a view: {value}")

    def _step(self, call: Call) -> Any:
        callee = call.args[0]
        symbol = f"fallback_{callee.name_hint}" if isinstance(callee, GlobalVar) else str(callee.global_symbol)
        inputs = [self._place(argument) for argument in call.args[1].fields]
        several = isinstance(call.ty, relax.TupleType)
        outputs = [self._buffer(ty) for ty in (call.ty.fields if several else [call.ty])]
        self.steps.append(Step(symbol, (*inputs, *outputs), outputs=len(outputs)))
        return outputs if several else outputs[0]

    def _buffer(self, ty: relax.TensorType) -> Place:
        self.buffers.append(_bytes(ty))
        return Place(Space.ARENA, len(self.buffers) - 1)

    def _constant(self, array: np.ndarray[Any, Any]) -> Place:
        """The offset of the weights' bytes, which lie in the order of their first use; equal bytes are kept once."""
        content = np.ascontiguousarray(array).tobytes()
        if content not in self.offsets:
            self.weights.extend(bytes(-len(self.weights) % ALIGNMENT))
            self.offsets[content] = len(self.weights)
            self.weights.extend(content)
        return Place(Space.WEIGHTS, self.offsets[content])

    def _return(self, result: relax.Expr) -> None:
        """Let the kernels write the outputs in place; copy what no kernel owns (an input, a value returned twice)."""
        places = self._place(result)
        places = places if isinstance(places, list) else [places]
        types = result.ty.fields if isinstance(result.ty, relax.TupleType) else [result.ty]
        written: dict[Place, Place] = {}
        copies = []
        for index, (place, ty) in enumerate(zip(places, types, strict=True)):
            output = Place(Space.OUTPUT, index)
            if place.space is Space.ARENA and place not in written:
                written[place] = output
            else:
                copies.append(Step(None, (written.get(place, place), output), _bytes(ty)))
        self.steps = [_with_places(step, written) for step in self.steps] + copies


def _with_places(step: Step, replaced: dict[Place, Place]) -> Step:
    return replace(step, operands=tuple(replaced.get(place, place) for place in step.operands))


def _bytes(ty: relax.TensorType) -> int:
    return int(np.prod([int(extent) for extent in ty.shape.values])) * np.dtype(str(ty.dtype)).itemsize


def used_buffers(steps: Sequence[Step]) -> dict[int, tuple[int, int]]:
    """The first and the last step that touches each buffer of the arena."""
    spans: dict[int, tuple[int, int]] = {}
    for number, step in enumerate(steps):
        for place in step.operands:
            if place.space is Space.ARENA:
                first, _ = spans.get(place.index, (number, number))
                spans[place.index] = (first, number)
    return spans


def passed_on_once(steps: Sequence[Step]) -> list[bool]:
    """Whether what a step writes is read by the next step as its data, and by nothing else."""
    spans = used_buffers(steps)
    return [
        step.operands[-1].space is Space.ARENA
        and spans[step.operands[-1].index] == (number, number + 1)
        and following.operands[0] == step.operands[-1]
        and step.operands[-1] not in following.operands[1:]
        for number, (step, following) in enumerate(itertools.pairwise(steps))
    ] + [False]


class Joined(Protocol):
    """Several steps that run as one: `tvm_mnv3.codegen.bands`, `tvm_mnv3.codegen.slices`."""

    @property
    def first(self) -> int:
        """The number of the first of them."""

    @property
    def length(self) -> int:
        """How many they are."""

    @property
    def step(self) -> Step:
        """What they become; of its operands only their lives matter."""


def with_joined(program: Program, joined: Iterable[Joined]) -> Program:
    """The program with one step for each of these."""
    steps: list[Step] = []
    by_first = {each.first: each for each in joined}
    number = 0
    while number < len(program.steps):
        each = by_first.get(number)
        steps.append(each.step if each else program.steps[number])
        number += each.length if each else 1
    return replace(program, steps=tuple(steps))
