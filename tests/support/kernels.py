"""Kernels called from Python, on this machine: what a template makes is run against its reference."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from support.networks import random_activations, random_weights
from tvm_mnv3.codegen.lowering import LoweredKernel, lower
from tvm_mnv3.codegen.object_code import llvm_target, write_object
from tvm_mnv3.codegen.toolchain import compile_c, link_shared
from tvm_mnv3.compat import IRModule, tvm
from tvm_mnv3.schedules.registry import template_for
from tvm_mnv3.schedules.template import ACTIVATION_OPERANDS
from tvm_mnv3.targets import Core, load_core
from tvm_mnv3.workload import Workload

Array = np.ndarray[Any, Any]
TRIPLE = "x86_64-linux-gnu"
RUNTIME = Path(__file__).parents[2] / "tvm_mnv3" / "runtime"


def lower_kernel(symbol: str, workload: Workload, knobs: Any, core: Core, triple: str) -> LoweredKernel:
    """The workload's kernel with those knobs, ready for its object file."""
    template = template_for(workload)
    assert template is not None
    return lower(template.scheduled(workload, knobs, core).mod["main"], symbol, llvm_target(core, triple))


def assembly_of(workload: Workload, knobs: Any, core: Core) -> str:
    """What LLVM makes of the kernel for that core."""
    kernel = lower_kernel("kernel", workload, knobs, core, TRIPLE)
    module = IRModule({kernel.name: kernel.function})
    built = tvm.get_global_func("target.build.llvm")(module, llvm_target(core, TRIPLE))
    return str(built.inspect_source("asm"))


class KernelLibrary:
    """Kernels of workloads, each with its knobs (by default the template's), compiled into one library."""

    def __init__(self, assignments: Mapping[str, tuple[Workload, Any]], folder: Path, core: Core | None = None) -> None:
        self.core = core or load_core("host")
        self.assignments = assignments
        target = llvm_target(self.core, TRIPLE)
        self.kernels = {symbol: lower_kernel(symbol, *both, self.core, TRIPLE) for symbol, both in assignments.items()}
        write_object(list(self.kernels.values()), target, folder / "kernels.o")
        support = compile_c([RUNTIME / "memory.c", RUNTIME / "math.c"], triple=TRIPLE, out=folder, include=[RUNTIME])
        library = link_shared(
            [folder / "kernels.o", *support],
            triple=TRIPLE,
            out=folder / "libkernels.so",
            exports=list(self.kernels),
            soname="libkernels.so",
        )
        self.library = ctypes.CDLL(str(library))

    def run(self, symbol: str, operands: Mapping[str, Array], ranges: Sequence[tuple[int, int]] = ()) -> list[Array]:
        """The kernel's outputs; its tasks are done in those ranges, by default in one."""
        workload, knobs = self.assignments[symbol]
        template = template_for(workload)
        assert template is not None
        activations = [operands[role] for role in ACTIVATION_OPERANDS if role in operands]
        outputs = [np.full_like(array, np.nan) for array in template.reference(operands, workload)]
        arrays = [np.ascontiguousarray(a) for a in (*activations, *template.pack(operands, workload, knobs))] + outputs
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
        kernel = getattr(self.library, symbol)
        for begin, end in ranges or [(0, self.kernels[symbol].tasks)]:
            kernel(*pointers, begin, end)
        return outputs

    def run_backwards(self, symbol: str, operands: Mapping[str, Array]) -> list[Array]:
        """The kernel's outputs, when its tasks are done one by one, the last first."""
        return self.run(symbol, operands, [(task, task + 1) for task in reversed(range(self.kernels[symbol].tasks))])

    def expected(self, symbol: str, operands: Mapping[str, Array]) -> list[Array]:
        """The outputs by NumPy."""
        workload, _ = self.assignments[symbol]
        template = template_for(workload)
        assert template is not None
        return template.reference(operands, workload)


def operands_of(workload: Workload, seed: int = 0) -> dict[str, Array]:
    """Random operands by role."""
    random = np.random.default_rng(seed)
    return {**random_activations(workload, random), **random_weights(workload, random)}


def assert_computes(workload: Workload, folder: Path, *knobs: Any) -> None:
    """The kernel's outputs are the reference's, and to the bit the same ones with all of these knobs, and whether all
    tasks are done in one range or one by one, the last first."""
    library = KernelLibrary({f"kernel_{n}": (workload, each) for n, each in enumerate(knobs)}, folder)
    operands = operands_of(workload)
    outputs = library.run("kernel_0", operands)
    for symbol in library.kernels:
        for others in (library.run(symbol, operands), library.run_backwards(symbol, operands)):
            assert [each.tobytes() for each in others] == [each.tobytes() for each in outputs]
    for output, expected in zip(outputs, library.expected("kernel_0", operands), strict=True):
        bound = 1e-5 * float(abs(expected).max())
        np.testing.assert_allclose(output.reshape(expected.shape), expected, rtol=0, atol=bound)


def defaults(names: Sequence[str], core: Core) -> dict[str, tuple[Workload, Any]]:
    """Each workload with the knobs that its template chooses for that core."""
    workloads = [Workload.parse(name) for name in names]
    return {w.name: (w, template_for(w).default(w, core)) for w in workloads}  # type: ignore[union-attr]
