"""Blocks are glued where they fall through, and every execution gets a price."""

from __future__ import annotations

import pytest

from tvm_mnv3.estimate.core_models import A53, N1, N1_WIDE
from tvm_mnv3.estimate.pipeline import model_cycles
from tvm_mnv3.estimate.pricing import COVERAGE, glue, price
from tvm_mnv3.estimate.tools import Tools
from tvm_mnv3.estimate.trace import Block

ADDS = ["add x0, x0, #1"] * 4


def block(offset: int, executions: int, instructions: list[str]) -> tuple[Block, list[str]]:
    return Block(offset, len(instructions), executions, ()), instructions


def test_block_that_falls_into_the_next_every_time_is_one_with_it() -> None:
    (stretch,) = glue([block(0, 5, ADDS), block(16, 5, ["ret"])])
    assert (stretch.offset, stretch.executions, stretch.instructions) == (0, 5, (*ADDS, "ret"))


@pytest.mark.parametrize(
    "second",
    [block(16, 6, ["ret"]), block(20, 5, ["ret"])],
    ids=["runs more often", "lies elsewhere"],
)
def test_other_blocks_stay_apart(second: tuple[Block, list[str]]) -> None:
    assert len(glue([block(0, 5, ADDS), second])) == 2


def test_block_behind_a_return_stays_apart() -> None:
    assert len(glue([block(0, 5, [*ADDS, "ret"]), block(20, 5, ADDS)])) == 2


@pytest.mark.emulated
def test_cold_blocks_cost_the_hot_ones_average(tools: Tools) -> None:
    hot, cold = block(0, 10_000, ADDS), block(64, 1, [*ADDS, "ret"])
    assert COVERAGE < 40_000 / 40_005
    prices = {p.stretch.offset: p.cycles for p in price([hot, cold], [N1], tools)}
    assert prices[0]["n1"] == pytest.approx(40_000, rel=0.02)  # each add waits for the one before
    assert prices[64]["n1"] == pytest.approx(prices[0]["n1"] / 40_000 * 5)


@pytest.mark.emulated
def test_models_keep_the_limits_that_they_are_named_for(tools: Tools) -> None:
    multiply_adds = [f"fmla v{n}.4s, v30.4s, v31.s[0]" for n in range(16)]
    for model in (N1, N1_WIDE, A53):
        (cycles,) = model_cycles([multiply_adds], model, tools)
        assert cycles == pytest.approx(16 / model.multiply_adds_per_cycle, rel=0.05), model.name
    nops = ["nop"] * 40
    assert model_cycles([nops], N1_WIDE, tools) == [10.0]
    assert model_cycles([nops], N1, tools)[0] == pytest.approx(40 / 3, rel=0.05)
