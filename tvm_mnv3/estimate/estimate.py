"""``estimate``: how fast a bundle would be on a core, from counting and modelling what it runs under the emulator."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tvm_mnv3.codegen.bundle import Bundle, KernelRecord, open_bundle, verify_files
from tvm_mnv3.errors import InputError
from tvm_mnv3.estimate.accounts import Owner, Run, figures_of
from tvm_mnv3.estimate.caches import DEFAULT_CACHES, Cache
from tvm_mnv3.estimate.code import read_code
from tvm_mnv3.estimate.core_models import MODELS_OF_CORES, CoreModel
from tvm_mnv3.estimate.disassembly import disassemble
from tvm_mnv3.estimate.pricing import price
from tvm_mnv3.estimate.result import Estimate, Figures, KernelEstimate
from tvm_mnv3.estimate.tools import Tools, find_tools
from tvm_mnv3.estimate.trace import Block, KernelCall, trace_kernel, trace_model
from tvm_mnv3.targets import Core, load_core
from tvm_mnv3.workload import Workload


def estimate(
    bundle: Bundle | Path | str, core: str | None = None, caches: Sequence[Cache] = DEFAULT_CACHES
) -> Estimate:
    """Estimate one inference of a bundle on one thread of a core.

    Instructions are exact. Cycles are modelled, with perfect caches: llvm-mca's steady state of every hot block, times
    its executions. Cache misses are simulated. None of them is a latency.

    Parameters
    ----------
    bundle
        One compiled with ``--target arm``.
    core
        A core of `tvm_mnv3.targets.core_names`; by default the one that the bundle was compiled for.
    caches
        To simulate, the nearest first.

    Raises
    ------
    InputError
        The bundle is not for ARM or is not whole, or there is no model of that core.
    EnvironmentProblem
        A tool is missing; the message names Debian's package.
    """
    opened = bundle if isinstance(bundle, Bundle) else open_bundle(bundle)
    manifest = opened.manifest
    if not manifest.target["triple"].startswith("aarch64"):
        raise InputError(
            f"The bundle {opened.path} is compiled for {manifest.target['triple']}, and estimates are of 64-bit ARM "
            "cores; compile the model with --target arm."
        )
    verify_files(opened)
    name = core or manifest.target["core"]
    models = models_of(name)
    tools = find_tools()
    library = opened.path / manifest.library
    run = _counted_run(library, trace_model(library, manifest.prefix, name, caches, tools), models, len(caches), tools)
    owner, described = Owner(manifest.kernels), load_core(name)
    kernels = tuple(
        _kernel_estimate(kernel, run.part(owner, kernel.symbol), models, described) for kernel in manifest.kernels
    )
    return Estimate(
        name=manifest.name,
        precision=manifest.precision,
        compiled_for=manifest.target["core"],
        core=name,
        models=models,
        caches=tuple(caches),
        tools={"emulator": _version(tools.emulator), "pipeline model": _version(tools.pipeline_model)},
        total=figures_of(run),
        floor={model.name: sum(kernel.floor[model.name] for kernel in kernels) for model in models},
        kernels=kernels,
        rest=figures_of(run.part(owner, None)),
    )


def estimate_kernel(
    library: Path, symbol: str, tasks: int, operand_bytes: Sequence[int], core: str, caches: Sequence[Cache] = ()
) -> Figures:
    """Estimate one call of one kernel of an ARM library, whatever else the library holds.

    Parameters
    ----------
    library
        It exports ``void symbol(void *..., int32_t begin, int32_t end)``.
    tasks
        The call is for all of them, from 0.
    operand_bytes
        Of each operand, up to eight.
    caches
        To simulate; without any the run is several times as fast.

    Raises
    ------
    InputError, EnvironmentProblem
        As of `estimate`.
    """
    call = KernelCall(symbol, tasks, tuple(operand_bytes))
    models, tools = models_of(core), find_tools()
    blocks = trace_kernel(library, call, core, caches, tools)
    return figures_of(_counted_run(library, blocks, models, len(caches), tools))


def models_of(core: str) -> tuple[CoreModel, ...]:
    """The models that stand for a core.

    Raises
    ------
    InputError
        None does.
    """
    load_core(core)  # names the cores that there are, when this is none of them
    if core not in MODELS_OF_CORES:
        raise InputError(f"There is no model of the core {core!r}; choose one of {', '.join(MODELS_OF_CORES)}.")
    return MODELS_OF_CORES[core]


def _counted_run(library: Path, blocks: Sequence[Block], models: Sequence[CoreModel], levels: int, tools: Tools) -> Run:
    """What ran as text, and priced."""
    code = read_code(library)
    words = [code.words(block.offset, block.instructions) for block in blocks]
    text_of = disassemble((word for of_block in words for word in of_block), tools)
    texts = [(block, [text_of[word] for word in of_block]) for block, of_block in zip(blocks, words, strict=True)]
    return Run(texts, price(texts, models, tools), levels)


def _kernel_estimate(kernel: KernelRecord, run: Run, models: Sequence[CoreModel], core: Core) -> KernelEstimate:
    multiply_adds = kernel.uses * kernel.multiply_adds
    # A network in float16 has kernels in float32 too. What is none of a template's has no multiply-adds to count.
    lanes = core.lanes(Workload.parse(kernel.workload).dtype if kernel.workload else "float32")
    return KernelEstimate(
        symbol=kernel.symbol,
        workload=kernel.workload,
        uses=kernel.uses,
        multiply_adds=multiply_adds,
        floor=_floor(multiply_adds, models, lanes),
        figures=figures_of(run),
    )


def _floor(multiply_adds: int, models: Sequence[CoreModel], lanes: int) -> dict[str, float]:
    """Cycles of nothing but these multiply-adds in full vectors."""
    return {model.name: multiply_adds / lanes / model.multiply_adds_per_cycle for model in models}


def _version(program: str) -> str:
    """The line of what it prints that names its version."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, errors="replace").stdout
    return next((line.strip() for line in said.splitlines() if "version" in line), "unknown")
