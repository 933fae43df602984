from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from passes.interpreter import run
from passes.stage import Stage, module_of

from tvm_mnv3.compat import R, relax
from tvm_mnv3.passes.convert_layout import convert_layout
from tvm_mnv3.passes.fold_padding import fold_padding
from tvm_mnv3.passes.remove_transposes import remove_transposes
from tvm_mnv3.passes.unify_pooling import unify_pooling

SHAPE = (2, 3, 7, 6)
X = np.random.default_rng(0).normal(size=SHAPE).astype("float32")


def _constant(*shape: int) -> relax.Expr:
    return relax.const(np.random.default_rng(1).normal(size=shape).astype("float32"))


def _conv(x: relax.Expr, outputs: int = 3, **options: object) -> relax.Expr:
    return R.nn.conv2d(x, _constant(outputs, 3, 3, 3), padding=1, **options)


#: What stands between two convolutions, keeping the shape.
BETWEEN: dict[str, Callable[[relax.BlockBuilder, relax.Var], relax.Expr]] = {
    "clip": lambda b, x: R.clip(x, 0, 6),
    "scalar": lambda b, x: R.add(x, relax.const(3.0)),
    "one per channel": lambda b, x: R.multiply(_constant(3, 1, 1), x),
    "gate": lambda b, x: R.multiply(x, R.sigmoid(R.mean(x, [2, 3], keepdims=True))),
    "residual": lambda b, x: R.add(x, _conv(x)),
    "pooling": lambda b, x: R.nn.avg_pool2d(R.concat([x, x], axis=2), (2, 1), (2, 1)),
    "concat": lambda b, x: R.multiply(R.mean(R.concat([x, x], axis=1), [1], keepdims=True), x),
    "resize": lambda b, x: R.image.resize2d(
        x, relax.ShapeExpr(SHAPE[2:]), layout="NCHW", method="linear", coordinate_transformation_mode="align_corners"
    ),
}


@pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN)
def test_no_transpose_stands_between_two_convolutions(
    between: Callable[[relax.BlockBuilder, relax.Var], relax.Expr],
) -> None:
    module = module_of(lambda b, x: _conv(between(b, b.emit(_conv(x)))), SHAPE)
    stage = Stage(module).run(convert_layout, remove_transposes).check_result(run(module, X)[0], X, tolerance=1e-4)
    stage.check(permute_dims=2)


@pytest.mark.parametrize(
    "tail",
    [
        lambda x: R.reshape(x, (2, 126)),
        lambda x: R.permute_dims(x, [1, 0, 2, 3]),
        lambda x: R.mean(x, [1], keepdims=False),
        lambda x: R.mean(x, [2], keepdims=False),
        lambda x: R.argmax(x, 1),
        lambda x: R.mean(x, [-1, -2], keepdims=False),
    ],
)
def test_what_works_on_nchw_gets_it(tail: Callable[[relax.Expr], relax.Expr]) -> None:
    module = module_of(lambda b, x: tail(b.emit(_conv(x))), SHAPE)
    Stage(module).run(convert_layout, remove_transposes).check_result(run(module, X)[0], X, tolerance=1e-4)


def test_a_class_per_pixel_needs_no_transpose() -> None:
    module = module_of(lambda b, x: R.argmax(_conv(x, outputs=5), 1), SHAPE)
    Stage(module).run(convert_layout, remove_transposes).check(permute_dims=1, argmax=1)


def test_a_detection_head_is_a_reshape() -> None:
    def body(_: relax.BlockBuilder, x: relax.Var) -> relax.Expr:
        y = R.reshape(_conv(x, outputs=8), (2, 2, 4, 7, 6))
        return R.reshape(R.permute_dims(y, [0, 3, 4, 1, 2]), (2, 84, 4))

    module = module_of(body, SHAPE)
    stage = Stage(module).run(convert_layout, remove_transposes).check_result(run(module, X)[0], X, tolerance=1e-4)
    stage.check(permute_dims=1, reshape=1)


def test_transposes_that_move_elements_stay() -> None:
    module = module_of(lambda _, x: R.permute_dims(R.permute_dims(x, [0, 2, 3, 1]), [0, 2, 1, 3]), SHAPE)
    stage = Stage(module).run(remove_transposes).check_result(run(module, X)[0], X)
    stage.check(permute_dims=2)


def test_transposes_that_undo_each_other_are_nothing() -> None:
    def body(_: relax.BlockBuilder, x: relax.Var) -> relax.Expr:
        return R.add(R.permute_dims(R.permute_dims(x, [0, 2, 3, 1]), [0, 3, 1, 2]), x)

    Stage(module_of(body, SHAPE)).run(remove_transposes).check_not("permute_dims", "reshape")


@pytest.mark.parametrize(
    "pooling",
    [
        lambda x: R.mean(x, [2, 3], keepdims=True),
        lambda x: R.mean(x, [-1, -2], keepdims=False),
        lambda x: R.nn.adaptive_avg_pool2d(x, (1, 1)),
        lambda x: R.nn.avg_pool2d(x, (7, 6)),
    ],
)
def test_every_global_average_is_one_mean(pooling: Callable[[relax.Expr], relax.Expr]) -> None:
    module = module_of(lambda _, x: pooling(x), SHAPE)
    stage = Stage(module).run(unify_pooling).check_result(run(module, X)[0], X)
    stage.check(mean=1).check_not("nn.avg_pool2d", "nn.adaptive_avg_pool2d")


def test_zeros_around_a_convolution_are_its_padding() -> None:
    module = module_of(lambda _, x: _conv(R.nn.pad(x, [0, 0, 0, 0, 0, 1, 1, 2]), strides=2), SHAPE)
    stage = Stage(module).run(fold_padding).check_result(run(module, X)[0], X).check_not("nn.pad")
    convolution = stage.module["main"].body.blocks[0].bindings[0].value
    assert [int(p) for p in convolution.attrs.padding] == [1, 2, 2, 3]


@pytest.mark.parametrize(
    ("widths", "value", "channels"),
    [([0, 0, 0, 0, 1, 1, 1, 1], 1.0, 3), ([0, 0, 1, 0, 1, 1, 1, 1], 0.0, 4), ([0, 1, 0, 0, 0, 0, 0, 0], 0.0, 3)],
    ids=["ones", "channels", "batch"],
)
def test_padding_with_other_than_zeros_around_the_map_stays(widths: list[int], value: float, channels: int) -> None:
    def body(_: relax.BlockBuilder, x: relax.Var) -> relax.Expr:
        return R.nn.conv2d(R.nn.pad(x, widths, pad_value=value), _constant(2, channels, 3, 3))

    Stage(module_of(body, SHAPE)).run(fold_padding).check(nn__pad=1)
