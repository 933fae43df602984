"""Candidates compiled into a library, with files of operands to run them on; the work of a builder's process."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.files import replacing
from tvm_mnv3.codegen.lowering import LoweredKernel, lower
from tvm_mnv3.codegen.object_code import llvm_target, write_object
from tvm_mnv3.codegen.toolchain import archive, compile_c, link_shared
from tvm_mnv3.devices.helpers import built_once
from tvm_mnv3.targets import Core
from tvm_mnv3.tuning.candidate import Candidate, scheduled_function
from tvm_mnv3.tuning.problem import problem_of

_ENTRY = Path(__file__).resolve().parent / "native" / "kernel_entry.c"
_CANDIDATES = "libcandidates"


@dataclass(frozen=True)
class BuiltKernel:
    """A candidate ready to run.

    Parameters
    ----------
    library
        It exports the kernel: ``void symbol(void *..., int32_t begin, int32_t end)``; if it holds no other, also
        the function of native/kernel_entry.c.
    tasks
        How many there are.
    operand_bytes
        Of every pointer that it takes, in order; scratch memory, if it takes any, comes last.
    weights, outputs
        Which of these operands are weights, and which are outputs: the first, and the one behind the last.
    operands
        A file with what they hold, one after another.
    """

    candidate: Candidate
    library: Path
    symbol: str
    tasks: int
    operand_bytes: tuple[int, ...]
    weights: tuple[int, int]
    outputs: tuple[int, int]
    operands: Path


@dataclass(frozen=True)
class BuildFailure:
    """A candidate that could not be built, and why."""

    candidate: Candidate
    reason: str


def build_candidates(
    candidates: Sequence[Candidate], core: Core, triple: str, folder: Path
) -> list[BuiltKernel | BuildFailure]:
    """Compile candidates into one library; one that does not compile costs no other.

    Parameters
    ----------
    triple
        The C compiler's target triple, such as ``aarch64-linux-gnu.2.28``.
    folder
        For the library and the operands; it is made.
    """
    if not candidates:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return list(_build(candidates, core, triple, folder))
    except Exception as error:
        # Whatever TVM's passes and LLVM throw at a schedule that makes no sense: it is the candidate's failure.
        if len(candidates) == 1:
            return [BuildFailure(candidates[0], f"It does not compile: {_first_line(error)}")]
    parts = [build_candidates([candidate], core, triple, folder / str(i)) for i, candidate in enumerate(candidates)]
    return [built for part in parts for built in part]


def _build(candidates: Sequence[Candidate], core: Core, triple: str, folder: Path) -> list[BuiltKernel]:
    target = llvm_target(core, triple.split(".")[0])
    functions = {f"candidate{i}": scheduled_function(candidate, core) for i, candidate in enumerate(candidates)}
    kernels = [lower(function, symbol, target) for symbol, function in functions.items()]
    write_object(kernels, target, folder / "kernels.o")
    entry = ["__tvm_ffi_candidate"] if len(candidates) == 1 else []
    objects = [folder / "kernels.o", *([entry_object(triple)] if entry else []), support_archive(triple)]
    library = link_shared(
        objects, triple=triple, out=folder / f"{_CANDIDATES}.so", exports=[*functions, *entry],
        soname=f"{_CANDIDATES}.so",
    )  # fmt: skip
    return [_with_operands(c, library, kernel, folder) for c, kernel in zip(candidates, kernels, strict=True)]


def _with_operands(candidate: Candidate, library: Path, kernel: LoweredKernel, folder: Path) -> BuiltKernel:
    problem = problem_of(candidate.workload)
    arrays = problem.arguments(candidate)
    sizes = [array.nbytes for array in arrays]
    file = folder / f"{kernel.name}.operands"
    with file.open("wb") as stream:
        stream.writelines(array.tobytes() for array in arrays)
        stream.write(bytes(kernel.scratch_bytes))
    outputs = (len(arrays) - len(problem.expected), len(arrays))
    weights = (problem.activations, outputs[0])
    scratch = [kernel.scratch_bytes] if kernel.scratch_bytes else []
    return BuiltKernel(candidate, library, kernel.name, kernel.tasks, (*sizes, *scratch), weights, outputs, file)


def complaint_of(built: BuiltKernel, results: bytes) -> str | None:
    """What is wrong with a kernel, from what all its operands hold after a run; None where nothing is."""
    problem = problem_of(built.candidate.workload)
    begin, end = built.outputs
    offset = sum(built.operand_bytes[:begin])
    outputs = []
    for expected, size in zip(problem.expected, built.operand_bytes[begin:end], strict=True):
        outputs.append(np.frombuffer(results, expected.dtype, size // expected.itemsize, offset))
        offset += size
    return problem.complaint(outputs)


@lru_cache
def support_archive(triple: str) -> Path:
    """The few functions of a libc that kernels may call, as in a bundle's library."""

    def build(folder: Path, out: Path) -> None:
        objects = compile_c(runtime.LIBRARY_SOURCES, triple=triple, out=folder, include=[runtime.FOLDER])
        archive(objects, out)

    return built_once("libsupport.a", triple, runtime.LIBRARY_SOURCES, build)


@lru_cache
def entry_object(triple: str) -> Path:
    """What makes the only kernel of a library callable over RPC, as ``candidate(tensor..., tasks)``."""

    def build(folder: Path, out: Path) -> None:
        (compiled,) = compile_c([_ENTRY], triple=triple, out=folder, include=[runtime.FOLDER])
        with replacing(out) as unfinished:
            shutil.copyfile(compiled, unfinished)

    return built_once("kernel_entry.o", triple, (_ENTRY, runtime.FOLDER / "tvm_ffi_abi.h"), build)


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1].strip()[:200]
