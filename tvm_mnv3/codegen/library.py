"""From scheduled kernels to the files of a library: the shared library, its header, and the companions."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tvm_mnv3 import runtime
from tvm_mnv3.errors import InputError
from tvm_mnv3.targets import Core

from .ahead_plan import plan_reads_ahead
from .bands import Bands, find_bands
from .driver import WEIGHTS_SYMBOL, Interface, write_driver
from .kernels import ScheduledModule
from .lowering import LoweredKernel, lower
from .memory_plan import MemoryPlan, plan_memory
from .object_code import llvm_target, write_object
from .program import Program, build_program, with_joined
from .slices import Slices, find_slices
from .symbols import Extent, read_link_map
from .toolchain import UndefinedSymbolError, archive, compile_c, embed_binary, link_object, link_shared

#: The companion classifier as a static library.
CLASSIFIER_ARCHIVE = "libtvm_mnv3_classifier.a"


@dataclass(frozen=True)
class Platform:
    """What a library is linked for.

    Parameters
    ----------
    kind
        ``arm`` or ``host``.
    llvm_triple, c_triple
        The target in LLVM's and in the C compiler's spelling.
    """

    kind: str
    llvm_triple: str
    c_triple: str


@dataclass(frozen=True)
class Library:
    """A library that was built.

    Parameters
    ----------
    files
        The names of the files written, the library first.
    program, kernels
        Every step by itself, and their kernels.
    memory
        Where everything lies in a context.
    bands
        The bottlenecks that the library runs by bands of rows.
    slices
        The expansions that it runs with their depthwise convolutions by slices of channels.
    steps_memory
        The memory plan of a run step by step, without bands and slices.
    weights_bytes
        Packed weights in the library's read-only data.
    code
        Where each kernel's code is, by its name.
    entry_offset, weights_offset
        Of the model's run function and of the weights, in bytes from the address that the library is loaded at.
    """

    files: tuple[str, ...]
    program: Program
    kernels: tuple[LoweredKernel, ...]
    memory: MemoryPlan
    bands: tuple[Bands, ...]
    slices: tuple[Slices, ...]
    steps_memory: MemoryPlan
    weights_bytes: int
    code: Mapping[str, Extent]
    entry_offset: int
    weights_offset: int


def build_library(
    scheduled: ScheduledModule, core: Core, platform: Platform, interface: Interface, folder: Path
) -> Library:
    """Lower, compile and link; the files go into `folder`, which exists.

    Raises
    ------
    InputError
        An operator needs a function that the freestanding library does not have; the message names it.
    """
    program = build_program(scheduled)
    used = dict.fromkeys(step.kernel for step in program.steps if step.kernel is not None)
    target = llvm_target(core, platform.llvm_triple)
    kernels = {symbol: lower(scheduled.kernels[symbol].function, symbol, target) for symbol in used}
    program = plan_reads_ahead(program, kernels, core)
    scratch = {kernel.name: kernel.scratch_bytes for kernel in kernels.values()}
    bands = find_bands(program, scheduled.kernels, kernels, core)
    slices = find_slices(program, scheduled.kernels, kernels)
    joined: tuple[Bands | Slices, ...] = (*bands, *slices)
    fused = with_joined(program, joined)
    plan = plan_memory(fused, {**scratch, **{each.name: each.scratch_bytes for each in bands}})
    driver = write_driver(fused, plan, kernels, interface, joined)
    name = f"lib{interface.prefix}.so"
    (folder / f"{interface.prefix}.h").write_text(driver.header, encoding="utf-8")

    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        source = work / "driver.c"
        source.write_text(driver.source, encoding="utf-8")
        write_object(list(kernels.values()), target, work / "kernels.o")
        weights = work / "weights.o"
        embed_binary(program.weights or b"\0", symbol=WEIGHTS_SYMBOL, triple=platform.c_triple, out=weights)
        sources = [source, *runtime.LIBRARY_SOURCES]
        objects = compile_c(sources, triple=platform.c_triple, out=work, include=[runtime.FOLDER, folder])
        try:
            link_shared(
                [work / "kernels.o", weights, *objects],
                triple=platform.c_triple,
                out=folder / name,
                exports=driver.exports,
                soname=name,
                link_map=work / "library.map",
            )
        except UndefinedSymbolError as error:
            raise InputError(
                f"The network needs the function {', '.join(error.symbols)}, which a library without libc "
                "does not have; replace the operator that computes it (run with --dump-ir DIR to see where it is used)."
            ) from error
        static = link_object(
            [work / "kernels.o", weights, *objects],
            triple=platform.c_triple,
            out=work / "model.o",
            exports=[name for name in driver.exports if name.startswith(interface.prefix)],
        )
        archive([static], folder / f"lib{interface.prefix}.a")
        companion = _write_companion(core, platform, work, folder)
        extents = read_link_map(work / "library.map")
    return Library(
        files=(name, f"{interface.prefix}.h", f"lib{interface.prefix}.a", *companion),
        program=program,
        kernels=tuple(kernels.values()),
        memory=plan,
        bands=bands,
        slices=slices,
        steps_memory=plan_memory(program, scratch),
        weights_bytes=len(program.weights),
        code={symbol: extents[symbol] for symbol in kernels},
        entry_offset=extents[f"{interface.prefix}_run"].offset,
        weights_offset=extents[WEIGHTS_SYMBOL].offset,
    )


def _write_companion(core: Core, platform: Platform, work: Path, folder: Path) -> Sequence[str]:
    """The thread pool and the classifier, as source and as static archives."""
    sources = dict.fromkeys((*runtime.CLASSIFIER_SOURCES, *runtime.CLASSIFIER_HEADERS))
    names = [source.relative_to(runtime.FOLDER).as_posix() for source in sources]
    for source, name in zip(sources, names, strict=True):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(source.read_bytes())
    build_pool(platform.c_triple, work / "pool", folder / "libtvm_mnv3_pool.a")
    build_classifier(
        platform.c_triple,
        work / "classifier",
        folder / CLASSIFIER_ARCHIVE,
        cpu=companion_cpu(core.isa, core.vector_bits),
    )
    return (CLASSIFIER_ARCHIVE, "libtvm_mnv3_pool.a", *names)


def build_pool(triple: str, work: Path, out: Path) -> Path:
    """The thread pool as a static archive."""
    return archive(compile_c(runtime.POOL_SOURCES, triple=triple, out=work), out)


def companion_cpu(isa: str, vector_bits: int) -> str | None:
    """The instructions that a companion of kernels with such vectors may use: on x86-64 AVX2 where they have as much
    (the psABI's level v3), else the architecture's baseline."""
    return "x86-64-v3" if isa == "x86_64" and vector_bits >= 256 else None


def build_classifier(triple: str, work: Path, out: Path, *, cpu: str | None = None) -> Path:
    """The classifier, with the pool, as a static archive."""
    objects = compile_c(runtime.CLASSIFIER_SOURCES, triple=triple, out=work, optimize="-O3", cpu=cpu)
    return archive(objects, out)


def build_shared_classifier(triple: str, work: Path, out: Path, *, cpu: str | None = None) -> Path:
    """The same as a shared library, for a process that has a libc already, such as Python or Java."""
    objects = compile_c(
        runtime.CLASSIFIER_SOURCES, triple=triple, out=work, optimize="-O3", cpu=cpu, extra=("-fvisibility=default",)
    )
    exports = runtime.CLASSIFIER_EXPORTS
    return link_shared(objects, triple=triple, out=out, exports=exports, soname=out.name, allow_undefined=True)
