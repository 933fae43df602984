"""Exact counts: what a run under the emulator executed, block by block."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tvm_mnv3.devices.emulated import glibc_loader, stand_in
from tvm_mnv3.errors import EnvironmentProblem
from tvm_mnv3.estimate.caches import Cache, plugin_argument
from tvm_mnv3.estimate.code import Code, read_code
from tvm_mnv3.estimate.programs import counter_plugin, marked_run_program
from tvm_mnv3.estimate.tools import Tools


@dataclass(frozen=True)
class Block:
    """A straight run of instructions in the library, as the emulator translated it.

    Parameters
    ----------
    offset
        Of its first instruction, in bytes from the address that the library is loaded at.
    instructions
        How many it has.
    executions
        How often it ran.
    misses
        Of its loads and stores, in lines, for each simulated cache.
    """

    offset: int
    instructions: int
    executions: int
    misses: tuple[int, ...]


def trace_model(library: Path, prefix: str, core: str, caches: Sequence[Cache], tools: Tools) -> list[Block]:
    """Every block that one inference on one thread runs, sorted by offset; another inference has warmed the caches.

    Parameters
    ----------
    library, prefix
        An ARM library and what its functions' names begin with.
    core
        The emulated core (its instructions; it has no part in the counts).

    Raises
    ------
    EnvironmentProblem
        The emulator or the plugin failed.
    """
    return _trace(library, ("model", str(library.absolute()), prefix), core, caches, tools)


@dataclass(frozen=True)
class KernelCall:
    """One call of one exported kernel: ``void symbol(void *..., int32_t begin, int32_t end)``.

    Parameters
    ----------
    tasks
        The call is for all of them, from 0.
    operand_bytes
        Of each operand, up to eight.
    operands, results
        A file with what the operands hold, one after another, and one to write what they hold afterwards; by default
        they hold small numbers, and nothing is written.
    """

    symbol: str
    tasks: int
    operand_bytes: tuple[int, ...]
    operands: Path | None = None
    results: Path | None = None


def trace_kernel(
    library: Path,
    call: KernelCall,
    core: str,
    caches: Sequence[Cache],
    tools: Tools,
    timeout: float | None = None,
) -> list[Block]:
    """Every block that one call of one kernel runs.

    Parameters
    ----------
    timeout
        Seconds of wall time after which the run is given up.

    Raises
    ------
    EnvironmentProblem
        As of `trace_model`; or the time is over.
    """
    files = tuple("-" if file is None else str(file.absolute()) for file in (call.operands, call.results))
    sizes = map(str, call.operand_bytes)
    arguments = ("kernel", str(library.absolute()), call.symbol, str(call.tasks), *files, *sizes)
    return _trace(library, arguments, core, caches, tools, timeout)


def _trace(
    library: Path,
    arguments: Sequence[str],
    core: str,
    caches: Sequence[Cache],
    tools: Tools,
    timeout: float | None = None,
) -> list[Block]:
    loader = glibc_loader()
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder, "counts")
        plugin = f"{counter_plugin()},out={counts}"
        if caches:
            plugin += f",caches={plugin_argument(caches)}"
        command = [
            tools.emulator, "-cpu", stand_in(core, tools.emulator), "-plugin", plugin,
            *loader.arguments, str(marked_run_program(loader.triple)), *arguments,
        ]  # fmt: skip
        try:
            # The guest's stack begins below its environment, and where it lies decides what it evicts.
            done = subprocess.run(
                command, env={}, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                timeout=timeout,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise EnvironmentProblem(f"The counting run of {library} did not end in {timeout:g} s.") from error
        if done.returncode != 0 or not counts.is_file():
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise EnvironmentProblem(f"The counting run of {library} failed (exit {done.returncode}): {said}.")
        return _blocks_of(read_code(library), int(done.stdout, 16), counts.read_text())


def _blocks_of(code: Code, base: int, text: str) -> list[Block]:
    """The plugin's lines that lie in the library's code."""
    rows = (line.split() for line in text.splitlines())
    blocks = (
        Block(int(address, 16) - base, int(instructions), int(executions), tuple(map(int, misses)))
        for address, instructions, executions, *misses in rows
    )
    return sorted((b for b in blocks if b.offset in code), key=lambda block: (block.offset, block.instructions))
