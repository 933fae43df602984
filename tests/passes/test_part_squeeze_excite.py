"""A large squeeze-excite kernel becomes two dense ones, which compute the same; a small one stays."""

from __future__ import annotations

from collections import Counter

import numpy as np
from passes.interpreter import run
from passes.stage import kernel_call, module_of, operators

from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.passes.composite import operands
from tvm_mnv3.passes.part_squeeze_excite import PARTED_FROM, layers, part_squeeze_excite
from tvm_mnv3.workload import Workload

SMALL, LARGE = "se_n2_c240_s64_f32_relu_hsigmoid", "se_n2_c480_s120_f32_relu_hsigmoid"


def _two_blocks(name: str) -> IRModule:
    """The same block twice, one after the other, with weights of their own."""
    random = np.random.default_rng(4)

    def body(builder: relax.BlockBuilder, mean: relax.Var) -> relax.Expr:
        return kernel_call(builder, name, kernel_call(builder, name, mean, random), random)

    return module_of(body, operands(Workload.parse(name))["data"])


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
