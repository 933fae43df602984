"""Whose the counts are: blocks and prices added up per kernel."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tvm_mnv3.codegen.bundle import KernelRecord
from tvm_mnv3.estimate.disassembly import is_load, is_store, is_vector_multiply_add
from tvm_mnv3.estimate.pricing import Price
from tvm_mnv3.estimate.result import Figures
from tvm_mnv3.estimate.trace import Block


@dataclass(frozen=True)
class Run:
    """Everything that was counted and modelled of one run.

    Parameters
    ----------
    blocks
        What ran, with its instructions.
    prices
        What that costs.
    levels
        Of simulated cache.
    """

    blocks: Sequence[tuple[Block, Sequence[str]]]
    prices: Sequence[Price]
    levels: int

    def part(self, offsets: Owner, owner: str | None) -> Run:
        """What lies in one kernel, or, for None, in none."""
        return Run(
            [(block, text) for block, text in self.blocks if offsets.of(block.offset) == owner],
            [price for price in self.prices if offsets.of(price.stretch.offset) == owner],
            self.levels,
        )


class Owner:
    """Finds the kernel whose code an offset lies in."""

    def __init__(self, kernels: Iterable[KernelRecord]) -> None:
        self._kernels = sorted(kernels, key=lambda kernel: kernel.offset)
        self._offsets = [kernel.offset for kernel in self._kernels]

    def of(self, offset: int) -> str | None:
        """Its symbol, or None between the kernels."""
        index = bisect_right(self._offsets, offset) - 1
        if index < 0 or offset >= self._offsets[index] + self._kernels[index].size:
            return None
        return self._kernels[index].symbol


def figures_of(run: Run) -> Figures:
    """The sums of a run."""
    counts: Counter[str] = Counter()
    for block, instructions in run.blocks:
        counts["instructions"] += block.executions * block.instructions
        counts["multiply-adds"] += block.executions * sum(map(is_vector_multiply_add, instructions))
        counts["loads"] += block.executions * sum(map(is_load, instructions))
        counts["stores"] += block.executions * sum(map(is_store, instructions))
    return Figures(
        instructions=counts["instructions"],
        vector_multiply_adds=counts["multiply-adds"],
        loads=counts["loads"],
        stores=counts["stores"],
        cycles=_cycles(run.prices),
        misses=tuple(sum(block.misses[level] for block, _ in run.blocks) for level in range(run.levels)),
    )


def _cycles(prices: Sequence[Price]) -> Mapping[str, float]:
    cycles: dict[str, float] = {}
    for price in prices:
        for model, count in price.cycles.items():
            cycles[model] = cycles.get(model, 0.0) + count
    return {model: round(count, 2) for model, count in cycles.items()}
