"""``steps.json``: every step of a run, and the memory plan."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from tvm_mnv3 import Bundle, CompileOptions
from tvm_mnv3.codegen.steps import BandRecord, Operand, StepRecord, StepTable, read_steps
from tvm_mnv3.errors import InputError
from tvm_mnv3.workload import Workload

Compile = Callable[[CompileOptions], Bundle]
QUICK = CompileOptions("mobilenet_v3_small_035", target="host", weights="random", input_size=64)


def test_steps_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    operands = (Operand("input", 0, 0, 64), Operand("weights", -1, 128, 256), Operand("arena", 3, 512, 64))
    table = StepTable(
        4096, 8192, 576, (BandRecord(0, 0, 4),), (StepRecord("dense_i4_o4_f32", ("fc",), 2, operands, 2, 1),)
    )
    (tmp_path / "steps.json").write_text(table.to_json())
    assert read_steps(tmp_path) == table
    assert table.steps[0].written() == operands[2:]
    assert table.steps[0].traffic_bytes == 64 + 256 + 64


def test_the_steps_of_a_network_are_its_kernels_and_stay_within_its_memory(compiled: Compile) -> None:
    manifest, path = compiled(QUICK).manifest, compiled(QUICK).path
    steps = read_steps(path).steps
    uses = {kernel.symbol: kernel.uses for kernel in manifest.kernels}
    assert {symbol: sum(step.kernel == symbol for step in steps) for symbol in uses} == uses
    for step in steps:
        arena = [operand for operand in step.operands if operand.space == "arena"]
        assert all(operand.offset + operand.bytes <= manifest.sizes["context"] for operand in arena)
        weights = [operand for operand in step.operands if operand.space == "weights"]
        assert all(operand.offset + operand.bytes <= manifest.sizes["weights"] for operand in weights)
    assert steps[-1].written()[0].space == "output"


def test_weights_lie_in_the_order_of_their_first_use(compiled: Compile) -> None:
    operands = [operand for step in read_steps(compiled(QUICK).path).steps for operand in step.operands]
    offsets = list(dict.fromkeys(operand.offset for operand in operands if operand.space == "weights"))
    assert offsets == sorted(offsets)


def test_what_lives_at_the_same_time_does_not_overlap(compiled: Compile) -> None:
    for step in read_steps(compiled(QUICK).path).steps:
        spans = sorted({(o.offset, o.bytes) for o in step.operands if o.space == "arena"})
        for (offset, size), (following, _) in itertools.pairwise(spans):
            assert offset + size <= following


def test_a_depthwise_with_a_pool_writes_two_outputs(compiled: Compile) -> None:
    pooled = [step for step in read_steps(compiled(QUICK).path).steps if (step.kernel or "").endswith("_pool")]
    for step in pooled:
        workload = Workload.parse(step.kernel or "")
        activation, mean = step.written()
        assert activation.bytes == 4 * workload.out_height * workload.out_width * workload.out_channels
        assert mean.bytes == 4 * workload.out_channels


@pytest.mark.parametrize("text", ["{", '{"version": 7, "steps": []}', '{"version": 1}'])
def test_a_broken_file_of_steps_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "steps.json").write_text(text)
    with pytest.raises(InputError, match="compile the model again"):
        read_steps(tmp_path)
