"""Modelled cycles of blocks of instructions, by llvm-mca."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tvm_mnv3.errors import EnvironmentProblem
from tvm_mnv3.estimate.core_models import CoreModel
from tvm_mnv3.estimate.tools import Tools

#: A block is priced as it repeats: long enough for its steady state.
ITERATIONS = 100
#: Of armv8.2-a and later, which the models' own CPUs leave out in part.
_ATTRIBUTES = "-mattr=+fullfp16,+dotprod,+lse,+fp16fml"
#: Blocks that one process is given: few enough for all processors to have work.
_BATCH = 50
_PROCESSES = 2


def model_cycles(blocks: Sequence[Sequence[str]], model: CoreModel, tools: Tools) -> list[float]:
    """Cycles of one execution of each block.

    Parameters
    ----------
    blocks
        Their instructions, without addresses.

    Raises
    ------
    EnvironmentProblem
        llvm-mca failed.
    """
    batches = [blocks[start : start + _BATCH] for start in range(0, len(blocks), _BATCH)]
    with ThreadPoolExecutor(_PROCESSES) as pool:
        cycles = [c for batch in pool.map(lambda batch: _simulate(batch, model, tools), batches) for c in batch]
    limit = model.instructions_per_cycle
    if limit is None:
        return cycles
    return [max(c, len(block) / limit) for c, block in zip(cycles, blocks, strict=True)]


def _simulate(blocks: Sequence[Sequence[str]], model: CoreModel, tools: Tools) -> list[float]:
    """What llvm-mca says of each block, in one process."""
    source = "".join("# LLVM-MCA-BEGIN\n" + "\n".join(block) + "\n# LLVM-MCA-END\n" for block in blocks)
    done = subprocess.run(
        [
            tools.pipeline_model, "-mtriple=aarch64-linux-gnu", f"-mcpu={model.llvm_cpu}", _ATTRIBUTES,
            f"-iterations={ITERATIONS}", "-resource-pressure=false", "-instruction-info=false",
            "-skip-unsupported-instructions=any",
            *([f"-dispatch={model.dispatch}"] if model.dispatch else []),
        ],
        input=source, capture_output=True, text=True,
    )  # fmt: skip
    cycles = [int(total) / ITERATIONS for total in re.findall(r"Total Cycles:\s+(\d+)", done.stdout)]
    if done.returncode != 0 or len(cycles) != len(blocks):
        raise EnvironmentProblem(f"{tools.pipeline_model} failed: {(done.stderr.strip() or 'it said nothing')[:200]}")
    return cycles
