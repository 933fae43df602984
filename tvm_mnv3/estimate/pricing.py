"""Cycles of everything a run executed: the hot blocks by the pipeline model, the rest at their average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tvm_mnv3.estimate.core_models import CoreModel
from tvm_mnv3.estimate.disassembly import mnemonic, without_addresses
from tvm_mnv3.estimate.pipeline import model_cycles
from tvm_mnv3.estimate.tools import Tools
from tvm_mnv3.estimate.trace import Block

#: The share of all executed instructions whose blocks are modelled.
COVERAGE = 0.995
#: Of glued blocks: llvm-mca's time grows with the length.
_LONGEST = 1500
_LEAVES = ("b", "br", "ret", "blr", "bl", "svc")


@dataclass(frozen=True)
class Stretch:
    """Blocks that follow each other in memory and ran equally often, so that they are one.

    The emulator cuts a loop's body at the ends of pages, at conditional exits, and where it is too long.
    """

    offset: int
    executions: int
    instructions: tuple[str, ...]

    @property
    def weight(self) -> int:
        """Instructions executed."""
        return self.executions * len(self.instructions)


@dataclass(frozen=True)
class Price:
    """A stretch, and the cycles of all its executions by the name of the core's model."""

    stretch: Stretch
    cycles: Mapping[str, float]


def price(blocks: Sequence[tuple[Block, Sequence[str]]], models: Sequence[CoreModel], tools: Tools) -> list[Price]:
    """The cycles of a run.

    Parameters
    ----------
    blocks
        What ran, sorted by offset, with its instructions.

    Returns
    -------
    list of Price
        One per stretch. The hottest that make up `COVERAGE` are modelled; the others get the modelled ones' average
        cycles per instruction.
    """
    (prices,) = price_all([blocks], models, tools)
    return prices


def price_all(
    runs: Sequence[Sequence[tuple[Block, Sequence[str]]]], models: Sequence[CoreModel], tools: Tools
) -> list[list[Price]]:
    """The cycles of each of several runs, as of `price`; what they have in common is modelled once."""
    stretches = [sorted(glue(blocks), key=lambda stretch: -stretch.weight) for blocks in runs]
    hot = [_hottest(of_run) for of_run in stretches]
    texts = list(dict.fromkeys(_text(stretch) for of_run in hot for stretch in of_run))
    of_text = {model.name: dict(zip(texts, model_cycles(texts, model, tools), strict=True)) for model in models}
    return [_priced(*both, of_text) for both in zip(stretches, hot, strict=True)]


def _priced(
    stretches: Sequence[Stretch], hot: Sequence[Stretch], of_text: Mapping[str, Mapping[tuple[str, ...], float]]
) -> list[Price]:
    """All stretches of one run; the hot ones come first."""
    cycles: list[dict[str, float]] = [{} for _ in stretches]
    for model, cycles_of in of_text.items():
        modelled = [stretch.executions * cycles_of[_text(stretch)] for stretch in hot]
        average = sum(modelled) / max(1, sum(stretch.weight for stretch in hot))
        for index, stretch in enumerate(stretches):
            cycles[index][model] = modelled[index] if index < len(hot) else stretch.weight * average
    return [Price(stretch, of_models) for stretch, of_models in zip(stretches, cycles, strict=True)]


def glue(blocks: Sequence[tuple[Block, Sequence[str]]]) -> list[Stretch]:
    """Join each block to the one before it where that falls through into it every time."""
    stretches: list[Stretch] = []
    for block, instructions in blocks:
        if stretches and _falls_into(stretches[-1], block):
            before = stretches.pop()
            stretches.append(Stretch(before.offset, before.executions, (*before.instructions, *instructions)))
        else:
            stretches.append(Stretch(block.offset, block.executions, tuple(instructions)))
    return stretches


def _falls_into(before: Stretch, block: Block) -> bool:
    return (
        before.offset + 4 * len(before.instructions) == block.offset
        and before.executions == block.executions
        and len(before.instructions) + block.instructions < _LONGEST
        and mnemonic(before.instructions[-1]) not in _LEAVES
    )


def _hottest(stretches: Sequence[Stretch]) -> Sequence[Stretch]:
    """The first ones, until they cover enough."""
    wanted, covered = COVERAGE * sum(stretch.weight for stretch in stretches), 0
    for count, stretch in enumerate(stretches):
        if covered >= wanted:
            return stretches[:count]
        covered += stretch.weight
    return stretches


def _text(stretch: Stretch) -> tuple[str, ...]:
    return tuple(without_addresses(instruction) for instruction in stretch.instructions)
