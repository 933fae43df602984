"""The C driver of a program: its header, and the source that calls the kernels in order on planned memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np

from tvm_mnv3.tensor_spec import TensorSpec

from .bands import Bands
from .bands_source import bands_source
from .lowering import LoweredKernel
from .memory_plan import MemoryPlan
from .program import Place, Program, Space, Step
from .slices import Slices, slices_source

#: The dtypes of tvm_mnv3.h.
_DTYPES = {
    "float32": "TVM_MNV3_FLOAT32",
    "float16": "TVM_MNV3_FLOAT16",
    "int8": "TVM_MNV3_INT8",
    "uint8": "TVM_MNV3_UINT8",
    "bool": "TVM_MNV3_UINT8",
    "int32": "TVM_MNV3_INT32",
    "int64": "TVM_MNV3_INT64",
}

WEIGHTS_SYMBOL = "tvm_mnv3_weights"


@dataclass(frozen=True)
class Driver:
    """The generated C.

    Parameters
    ----------
    header, source
        The texts of ``PREFIX.h`` and of the driver.
    exports
        The symbols that the library shows.
    """

    header: str
    source: str
    exports: tuple[str, ...]


@dataclass(frozen=True)
class Interface:
    """What the driver says of its model: names for people and for the linker, its tensors, and how a picture becomes
    the input (as the manifest says it), where that is known."""

    prefix: str
    name: str
    version: str
    target: str
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]
    preprocessing: Mapping[str, Any] | None = None


def write_driver(
    program: Program,
    plan: MemoryPlan,
    kernels: Mapping[str, LoweredKernel],
    interface: Interface,
    joined: Sequence[Bands | Slices] = (),
) -> Driver:
    """Generate header and source.

    Parameters
    ----------
    program
        With one step for each of `joined`.
    kernels
        By symbol, in the order of their prototypes.
    """
    by_name = {each.name: each for each in joined}
    tasks = {symbol: kernel.tasks for symbol, kernel in kernels.items()}
    tasks |= {name: each.tasks for name, each in by_name.items()}
    fields = {
        "prefix": interface.prefix,
        "guard": f"TVM_MNV3_MODEL_{interface.prefix.upper()}",
        "name": interface.name,
        "version": interface.version,
        "target": interface.target,
        "signature": _signature(interface),
        "context_size": str(plan.arena_bytes),
        "num_inputs": str(len(interface.inputs)),
        "num_outputs": str(len(interface.outputs)),
        "weights_symbol": WEIGHTS_SYMBOL,
        "kernels": "\n".join(_prototype(kernel) for kernel in kernels.values()),
        "includes": _includes(joined),
        "steps": "\n\n".join(
            _joined(n, by_name[step.kernel], plan) if step.kernel in by_name else _step(n, step, plan)
            for n, step in enumerate(program.steps)
        ),
        "tensors": _tensors("INPUT", interface.inputs) + "\n" + _tensors("OUTPUT", interface.outputs),
        "picture": _picture(interface.preprocessing),
        "run": "\n".join(
            f"  run_tasks(parallel, step_{n}, &state, {tasks[step.kernel] if step.kernel else 1});"
            for n, step in enumerate(program.steps)
        ),
    }
    exports = [f"{interface.prefix}_{name}" for name in ("run", "context_size", "model")]
    return Driver(
        header=_template("model.h.in").substitute(fields),
        source=_template("model.c.in").substitute(fields),
        exports=(*exports, "__tvm_ffi_run", "__tvm_ffi_context_size"),
    )


def _includes(joined: Sequence[Bands | Slices]) -> str:
    """Of the headers that the joined steps need."""
    wanted = {"bands.h": any(isinstance(each, Bands) for each in joined), "slots.h": bool(joined)}
    return "".join(f'\n#include "{header}"' for header, used in wanted.items() if used)


def _template(name: str) -> Template:
    return Template(files("tvm_mnv3.runtime").joinpath(name).read_text(encoding="utf-8"))


def _prototype(kernel: LoweredKernel) -> str:
    """The kernel's declaration; to C all operands are bytes."""
    pointers = ["const void *"] * (len(kernel.function.params) - 2)
    return f"extern void {kernel.name}({', '.join([*pointers, 'int32_t', 'int32_t'])});"


def _step(number: int, step: Step, plan: MemoryPlan) -> str:
    """The task function of one step."""
    operands = [_address(place, plan) for place in step.operands]
    if number in plan.scratch:
        operands.append(f"s->arena + {plan.scratch[number]}")
    if step.kernel is None:
        source, destination = operands
        body = (
            "  (void)begin, (void)end;\n"
            f"  for (size_t i = 0; i < {step.copy_bytes}; ++i) "
            f"((uint8_t *){destination})[i] = ((const uint8_t *){source})[i];"
        )
    else:
        body = f"  {step.kernel}({', '.join([*operands, 'begin', 'end'])});"
    return (
        f"static void step_{number}(void *state, int32_t begin, int32_t end) {{\n"
        "  const state_t *s = (const state_t *)state;\n"
        "  (void)s;\n"
        f"{body}\n"
        "}"
    )


def _joined(number: int, steps: Bands | Slices, plan: MemoryPlan) -> str:
    if isinstance(steps, Slices):
        return slices_source(steps, number, lambda place: _address(place, plan))
    return bands_source(steps, number, plan.scratch[number], lambda place: _address(place, plan))


def _address(place: Place, plan: MemoryPlan) -> str:
    if place.space is Space.ARENA:
        return f"s->arena + {plan.buffers[place.index]}"
    if place.space in (Space.WEIGHTS, Space.AHEAD):
        return f"WEIGHTS + {place.index}"
    return f"s->{place.space.value}s[{place.index}]"


def _tensors(kind: str, specs: Sequence[TensorSpec]) -> str:
    """The C description of the inputs or outputs; an array of one where there is none, for C has no empty ones."""
    lines, entries = [], []
    for number, spec in enumerate(specs):
        shape = ", ".join(map(str, spec.shape)) or "1"
        size = int(np.prod(spec.shape, dtype=np.int64)) * np.dtype(spec.dtype).itemsize
        lines.append(f"static const int64_t {kind}_{number}_SHAPE[] = {{{shape}}};")
        entries.append(
            f'{{"{_escaped(spec.name)}", {_DTYPES[spec.dtype]}, {len(spec.shape)}, {kind}_{number}_SHAPE, {size}}}'
        )
    body = ",\n    ".join(entries) or "{0, 0, 0, 0, 0}"
    return "\n".join([*lines, f"static const tvm_mnv3_tensor {kind}S[] = {{\n    {body}}};"])


def _picture(preprocessing: Mapping[str, Any] | None) -> str:
    """The C description of how a picture becomes the input."""
    if preprocessing is None:
        return "#define PICTURE 0"
    mean, std = (", ".join(f"{value!r}f" for value in map(float, preprocessing[key])) for key in ("mean", "std"))
    interpolation = f"TVM_MNV3_{preprocessing['interpolation'].upper()}"
    return (
        f"static const tvm_mnv3_picture PICTURE_ = {{{preprocessing['resize']}, {preprocessing['crop']}, "
        f"{interpolation}, {{{mean}}}, {{{std}}}}};\n#define PICTURE &PICTURE_"
    )


def _escaped(name: str) -> str:
    return "".join(c if c.isprintable() and c not in '"\\' and c.isascii() else "_" for c in name)


def _signature(interface: Interface) -> str:
    """The tensors in words, for the header's first lines."""
    lines = [
        f"{kind} {number}: {_escaped(spec.name)}, {spec.dtype} {'x'.join(map(str, spec.shape)) or 'scalar'}"
        for kind, specs in (("input", interface.inputs), ("output", interface.outputs))
        for number, spec in enumerate(specs)
    ]
    return "\n * ".join(lines)
