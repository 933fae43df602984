"""``steps.json`` of a bundle: every step of a run, so that the library's kernels can be called one by one.

The file says where each kernel's code and operands lie, what the memory plan is, and which layers of the source a step
computes. With it a profile and a comparison layer by layer run the very machine code that ships.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tvm_mnv3.errors import InputError

from .driver import Interface
from .library import Library
from .program import Place, Space

STEPS_FILE = "steps.json"
#: Raised when a reader of an older file would misread a newer one.
STEPS_VERSION = 3


@dataclass(frozen=True)
class Operand:
    """A piece of memory that a step reads or writes.

    Parameters
    ----------
    space
        ``input``, ``output``, ``arena`` or ``weights``.
    index
        Of an input or output its position, of the arena the number of the buffer; -1 of weights and scratch memory.
    offset
        In bytes, in the arena or among the weights.
    bytes
        Its size.
    """

    space: str
    index: int
    offset: int
    bytes: int


@dataclass(frozen=True)
class StepRecord:
    """One step of a run.

    Parameters
    ----------
    kernel
        The kernel's symbol; None copies the first operand to the second.
    layers
        The names of the source's layers whose weights it holds.
    tasks
        How many tasks it can be cut into.
    operands
        Inputs, weights, outputs, scratch memory.
    first_output, outputs
        Which of the operands are outputs.
    """

    kernel: str | None
    layers: tuple[str, ...]
    tasks: int
    operands: tuple[Operand, ...]
    first_output: int
    outputs: int

    def written(self) -> tuple[Operand, ...]:
        """The outputs."""
        return self.operands[self.first_output : self.first_output + self.outputs]

    @property
    def traffic_bytes(self) -> int:
        """What it must read and write, each operand once, without scratch memory."""
        return sum(operand.bytes for operand in self.operands[: self.first_output + self.outputs])


@dataclass(frozen=True)
class BandRecord:
    """A bottleneck that the library runs by bands of rows.

    Parameters
    ----------
    first, last
        Its steps.
    rows
        Of the depthwise output, in a band.
    """

    first: int
    last: int
    rows: int


@dataclass(frozen=True)
class StepTable:
    """All steps in order, and what finds their code.

    Parameters
    ----------
    entry_offset, weights_offset
        Of the model's run function and of the weights, in bytes from the address that the library is loaded at.
    arena_bytes
        The memory that the steps need when they run one by one. The library itself may need less.
    bands
        The bottlenecks that the library runs by bands of rows.
    """

    entry_offset: int
    weights_offset: int
    arena_bytes: int
    bands: tuple[BandRecord, ...]
    steps: tuple[StepRecord, ...]

    def to_json(self) -> str:
        """One line per step; the same table gives the same bytes."""
        lines = ",\n  ".join(json.dumps(_plain(step)) for step in self.steps)
        head = {
            "version": STEPS_VERSION,
            "entry_offset": self.entry_offset,
            "weights_offset": self.weights_offset,
            "arena_bytes": self.arena_bytes,
            "bands": [dataclasses.astuple(band) for band in self.bands],
        }
        return f'{json.dumps(head)[:-1]}, "steps": [\n  {lines}\n]}}\n'


def read_steps(bundle: Path) -> StepTable:
    """The steps of a bundle.

    Raises
    ------
    InputError
        The bundle has none, or of another version.
    """
    file = bundle / STEPS_FILE
    if not file.is_file():
        raise InputError(
            f"The bundle {bundle} has no {STEPS_FILE}: an older tvm-mnv3 made it. Compile the model again."
        )
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        if data["version"] != STEPS_VERSION:
            raise ValueError(f"version {data['version']}, not {STEPS_VERSION}")
        steps = tuple(_step_of(item) for item in data["steps"])
        bands = tuple(BandRecord(*numbers) for numbers in data["bands"])
        return StepTable(data["entry_offset"], data["weights_offset"], data["arena_bytes"], bands, steps)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} cannot be read ({error}); compile the model again.") from error


def step_table(library: Library, interface: Interface, layers: Sequence[tuple[str, ...]]) -> StepTable:
    """The table of a library.

    Parameters
    ----------
    layers
        The names of the layers of each step that is a template's kernel, in order.
    """
    tasks = {kernel.name: kernel.tasks for kernel in library.kernels}
    scratch_bytes = {kernel.name: kernel.scratch_bytes for kernel in library.kernels}
    names = iter(layers)
    records = []
    for number, step in enumerate(library.program.steps):
        operands = [_operand(place, library, interface) for place in step.operands]
        if number in library.steps_memory.scratch and step.kernel is not None:
            offset = library.steps_memory.scratch[number]
            operands.append(Operand("arena", -1, offset, scratch_bytes[step.kernel]))
        is_template = step.kernel is not None and not step.kernel.startswith("fallback_")
        records.append(
            StepRecord(
                kernel=step.kernel,
                layers=next(names) if is_template else (),
                tasks=tasks[step.kernel] if step.kernel is not None else 1,
                operands=tuple(operands),
                first_output=len(step.operands) - step.outputs,
                outputs=step.outputs,
            )
        )
    bands = tuple(BandRecord(each.first, each.first + len(each.parts) - 1, each.rows) for each in library.bands)
    arena_bytes = library.steps_memory.arena_bytes
    return StepTable(library.entry_offset, library.weights_offset, arena_bytes, bands, tuple(records))


def _operand(place: Place, library: Library, interface: Interface) -> Operand:
    if place.space is Space.ARENA:
        size = library.program.buffer_bytes[place.index]
        return Operand("arena", place.index, library.steps_memory.buffers[place.index], size)
    if place.space is Space.WEIGHTS:
        return Operand("weights", -1, place.index, library.program.weight_bytes[place.index])
    if place.space is Space.AHEAD:
        return Operand("weights", -1, place.index, 0)
    spec = (interface.inputs if place.space is Space.INPUT else interface.outputs)[place.index]
    size = int(np.prod(spec.shape, dtype=np.int64)) * np.dtype(spec.dtype).itemsize
    return Operand(place.space.value, place.index, 0, size)


def _plain(step: StepRecord) -> dict[str, Any]:
    operands = [[o.space, o.index, o.offset, o.bytes] for o in step.operands]
    return {**dataclasses.asdict(step), "operands": operands}


def _step_of(data: dict[str, Any]) -> StepRecord:
    operands = tuple(Operand(*operand) for operand in data["operands"])
    return StepRecord(**{**data, "layers": tuple(data["layers"]), "operands": operands})
