"""A large squeeze-excite kernel becomes two dense ones, which compute the same; a small one stays."""

from __future__ import annotations

from collections import Counter

import numpy as np
from passes.interpreter import run
from passes.stage import operators

from tvm_mnv3.compat import Call, IRModule, relax
from tvm_mnv3.passes.composite import composite_function, operands
from tvm_mnv3.passes.part_squeeze_excite import PARTED_FROM, layers, part_squeeze_excite
from tvm_mnv3.workload import Workload

SMALL, LARGE = "se_n2_c240_s64_f32_relu_hsigmoid", "se_n2_c480_s120_f32_relu_hsigmoid"


def _two_blocks(name: str) -> IRModule:
    """The same block twice, one after the other, with weights of their own."""
    block = Workload.parse(name)
    random = np.random.default_rng(4)
    builder = relax.BlockBuilder()
    function = builder.add_func(composite_function(block), name)
    mean = relax.Var("mean", relax.TensorType((block.batch, 1, 1, block.in_channels), "float32"))
    with builder.function("main", [mean]):
        with builder.dataflow():
            x: relax.Expr = mean
            for _ in range(2):
                shapes = list(operands(block).values())[1:]
                weights = [relax.const(random.normal(0, 0.1, shape).astype("float32")) for shape in shapes]
                x = builder.emit(Call(function, [x, *weights]))
            output = builder.emit_output(x)
        builder.emit_func_output(output)
    return builder.get()


def test_a_large_block_is_two_dense_kernels_that_compute_the_same() -> None:
    whole = _two_blocks(LARGE)
    parted = part_squeeze_excite(whole)
    assert +Counter({name: n for name, n in operators(parted).items() if name.startswith(("dense", "se"))}) == {
        "dense_n2_i480_o120_f32_bias_relu": 2,
        "dense_n2_i120_o480_f32_bias_hsigmoid": 2,
    }
    mean = np.random.default_rng(0).normal(size=(2, 1, 1, 480)).astype("float32")
    np.testing.assert_array_equal(run(parted, mean)[0], run(whole, mean)[0])


def test_a_small_block_stays_one_kernel() -> None:
    assert operators(part_squeeze_excite(_two_blocks(SMALL)))[SMALL] == 2


def test_the_layers_are_as_large_as_the_block() -> None:
    block = Workload.parse(LARGE)
    assert sum(layer.multiply_adds for layer in layers(block)) == block.multiply_adds
    assert block.multiply_adds >= PARTED_FROM * block.batch > Workload.parse(SMALL).multiply_adds
