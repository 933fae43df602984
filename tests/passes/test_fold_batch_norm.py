from __future__ import annotations

import numpy as np
import pytest
import torch
from passes.interpreter import run
from passes.small_network import imported, randomised
from passes.stage import Stage, module_of
from torch import nn

from tvm_mnv3.compat import R, relax
from tvm_mnv3.passes.drop_identities import drop_identities
from tvm_mnv3.passes.fold_batch_norm import decompose_batch_norm, fold_scale_and_shift
from tvm_mnv3.passes.fold_constants import fold_constants

SHAPE = (1, 4, 5, 5)
X = np.random.default_rng(0).normal(size=SHAPE).astype("float32")
FOLD = (fold_constants, decompose_batch_norm, fold_scale_and_shift)


def _constant(*shape: int) -> relax.Expr:
    return relax.const(np.random.default_rng(1).normal(size=shape).astype("float32"))


@pytest.mark.parametrize(
    "convolution",
    [
        nn.Conv2d(4, 6, 3, bias=False),
        nn.Conv2d(4, 6, 1),
        nn.Conv2d(4, 4, 3, groups=4),
        nn.Conv2d(4, 6, 3, groups=2),
        nn.Conv2d(4, 1, 3),
    ],
    ids=["no bias", "bias", "depthwise", "grouped", "one channel"],
)
def test_a_batch_norm_after_a_convolution_is_its_weights_and_one_bias(convolution: nn.Module) -> None:
    network = randomised(nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels, eps=1e-2)))
    with torch.no_grad():
        expected = network(torch.from_numpy(X)).numpy()
    stage = Stage(imported(network, SHAPE)).run(*FOLD).check_result(expected, X)
    stage.check(nn__conv2d=1, add=1).check_not("nn.batch_norm", "multiply")


def test_a_batch_norm_after_anything_else_is_a_scale_and_a_shift() -> None:
    network = randomised(nn.Sequential(nn.ReLU(), nn.BatchNorm2d(4)))
    with torch.no_grad():
        expected = network(torch.from_numpy(X)).numpy()
    Stage(imported(network, SHAPE)).run(*FOLD).check_result(expected, X).check(multiply=1, add=1)


def test_zero_biases_are_kept_so_that_kernels_do_not_depend_on_weights() -> None:
    network = nn.Sequential(nn.Conv2d(4, 6, 3, bias=False), nn.BatchNorm2d(6)).eval()
    Stage(imported(network, SHAPE)).run(*FOLD).check(nn__conv2d=1, add=1)


def test_scales_and_shifts_written_by_hand_are_folded_in_any_order() -> None:
    def body(_: relax.BlockBuilder, x: relax.Var) -> relax.Expr:
        y = R.nn.conv2d(x, _constant(6, 4, 3, 3))
        y = R.divide(R.subtract(y, _constant(1, 6, 1, 1)), _constant(6, 1, 1))
        return R.subtract(_constant(1, 6, 1, 1), R.multiply(_constant(1, 6, 1, 1), y))

    module = module_of(body, SHAPE)
    stage = Stage(module).run(fold_scale_and_shift).check_result(run(module, X)[0], X, tolerance=1e-4)
    stage.check(nn__conv2d=1, add=1).check_not("subtract", "divide", "multiply")


@pytest.mark.parametrize("constant", [_constant(), _constant(1, 1, 1, 3), _constant(1, 6, 3, 1)])
def test_what_is_not_one_number_per_channel_stays(constant: relax.Expr) -> None:
    module = module_of(lambda _, x: R.multiply(R.nn.conv2d(x, _constant(6, 4, 3, 3)), constant), SHAPE)
    Stage(module).run(fold_scale_and_shift).check(multiply=1).check_result(run(module, X)[0], X)


def test_a_convolution_that_another_operator_reads_too_is_not_scaled() -> None:
    def body(builder: relax.BlockBuilder, x: relax.Var) -> relax.Expr:
        y = builder.emit(R.nn.conv2d(x, _constant(6, 4, 3, 3)))
        return R.add(R.multiply(y, _constant(1, 6, 1, 1)), y)

    module = module_of(body, SHAPE)
    Stage(module).run(fold_scale_and_shift).check(multiply=1, add=1).check_result(run(module, X)[0], X)


def test_a_linear_layer_takes_its_bias_from_either_side() -> None:
    network = randomised(nn.Linear(4, 3))
    module = imported(network, (2, 4))
    x = X.reshape(-1)[:8].reshape(2, 4)
    stage = Stage(module).run(fold_constants, fold_scale_and_shift).check_result(run(module, x)[0], x)
    stage.check(matmul=1, add=1).check_not("permute_dims")


def test_identities_are_dropped() -> None:
    def body(builder: relax.BlockBuilder, x: relax.Var) -> relax.Expr:
        x = R.add(R.multiply(x, relax.const(1.0)), relax.const(0.0))
        x = builder.emit(R.nn.dropout(R.clip(R.astype(x, "float32"), -np.inf, np.inf)))
        return R.subtract(R.nn.pad(relax.TupleGetItem(x, 0), [0] * 8), relax.const(0.5))

    module = module_of(body, SHAPE)
    stage = Stage(module).run(drop_identities).check_result(run(module, X)[0], X).check(subtract=1)
    stage.check_not("add", "multiply", "nn.dropout", "astype", "clip", "nn.pad")


def test_an_identity_that_changes_the_shape_is_none() -> None:
    module = module_of(lambda _, x: R.add(x, relax.const(np.zeros((2, 1, 1, 1), "float32"))), SHAPE)
    Stage(module).run(drop_identities).check(add=1)
    wider = module_of(lambda _, x: R.multiply(x, relax.const(np.ones((1, 1, 1, 1, 1), "float32"))), SHAPE)
    Stage(wider).run(drop_identities).check(multiply=1)
