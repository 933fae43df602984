from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from passes.interpreter import run
from passes.stage import Stage, module_of

from tvm_mnv3.compat import IRModule, R, relax, tvm
from tvm_mnv3.passes.activations import find_activations
from tvm_mnv3.passes.dataflow import SWEEP, Dataflow
from tvm_mnv3.passes.fold_batch_norm import fold_scale_and_shift
from tvm_mnv3.passes.fold_gate_factor import fold_gate_factor
from tvm_mnv3.passes.normalize_activations import misspelt_activations, normalize_activations

Body = Callable[[relax.BlockBuilder, relax.Var], relax.Expr]
SHAPE = (1, 4, 3, 3)
#: Both ends of the clamp, its corners and the middle.
VALUES = np.linspace(-7, 7, math.prod(SHAPE), dtype=np.float32).reshape(SHAPE)


def c(value: float, shape: tuple[int, ...] = (), dtype: str = "float32") -> relax.Expr:
    return relax.const(np.full(shape, value, dtype))


def plus3(x: relax.Expr) -> relax.Expr:
    return R.add(x, c(3))


def relu6_plus3(x: relax.Expr) -> relax.Expr:
    return R.clip(plus3(x), 0, 6)


HSIGMOIDS: dict[str, Callable[[relax.Expr], relax.Expr]] = {
    "torch": lambda x: R.divide(R.clip(R.clip(plus3(x), 0, math.inf), -math.inf, 6), c(6)),
    "clip then divide": lambda x: R.divide(relu6_plus3(x), c(6)),
    "clip then multiply": lambda x: R.multiply(relu6_plus3(x), c(1 / 6)),
    "multiply commuted": lambda x: R.multiply(c(1 / 6), relu6_plus3(x)),
    "add commuted": lambda x: R.divide(R.clip(R.add(c(3), x), 0, 6), c(6)),
    "onnx HardSigmoid(1/6)": lambda x: R.clip(R.add(R.multiply(c(1 / 6), x), c(0.5)), 0, 1),
    "divided first": lambda x: R.clip(R.add(R.divide(x, c(6)), c(0.5)), 0, 1),
    "divided sum": lambda x: R.clip(R.divide(plus3(x), c(6)), 0, 1),
    "subtract": lambda x: R.divide(R.clip(R.subtract(x, c(-3)), 0, 6), c(6)),
    "minimum of maximum": lambda x: R.divide(R.minimum(R.maximum(plus3(x), c(0)), c(6)), c(6)),
    "maximum of minimum, commuted": lambda x: R.divide(R.maximum(c(0), R.minimum(c(6), plus3(x))), c(6)),
    "relu then minimum": lambda x: R.divide(R.minimum(R.nn.relu(plus3(x)), c(6)), c(6)),
    "relu6": lambda x: R.divide(R.nn.relu6(plus3(x)), c(6)),
    "constants of one element": lambda x: R.multiply(R.clip(R.add(x, c(3, (1,))), 0, 6), c(1 / 6, (1, 1, 1, 1))),
}


def _hswish(hsigmoid: Callable[[relax.Expr], relax.Expr], commuted: bool) -> Callable[[relax.Expr], relax.Expr]:
    return lambda x: R.multiply(hsigmoid(x), x) if commuted else R.multiply(x, hsigmoid(x))


HSWISHES: dict[str, Callable[[relax.Expr], relax.Expr]] = {
    **{f"x * {name}": _hswish(spelling, False) for name, spelling in HSIGMOIDS.items()},
    **{f"{name} * x": _hswish(spelling, True) for name, spelling in HSIGMOIDS.items()},
    "torch, product first": lambda x: R.divide(
        R.multiply(x, R.clip(R.clip(plus3(x), 0, math.inf), -math.inf, 6)), c(6)
    ),
    "product then multiply": lambda x: R.multiply(R.multiply(x, relu6_plus3(x)), c(1 / 6)),
    "tflite": lambda x: R.multiply(R.multiply(x, c(1 / 6)), relu6_plus3(x)),
    "tflite, commuted": lambda x: R.multiply(relu6_plus3(x), R.multiply(c(1 / 6), x)),
    "x / 6 first": lambda x: R.multiply(R.divide(x, c(6)), relu6_plus3(x)),
}

#: Nearly activations, none of which is one.
OTHERS: dict[str, Callable[[relax.Expr], relax.Expr]] = {
    "onnx HardSigmoid's own slope": lambda x: R.clip(R.add(R.multiply(c(0.2), x), c(0.5)), 0, 1),
    "slope 0.1667": lambda x: R.clip(R.add(R.multiply(c(0.1667), x), c(0.5)), 0, 1),
    "offset 2.9": lambda x: R.divide(R.clip(R.add(x, c(2.9)), 0, 6), c(6)),
    "clamped at 5": lambda x: R.divide(R.clip(plus3(x), 0, 5), c(6)),
    "clamped from 1": lambda x: R.divide(R.clip(plus3(x), 1, 6), c(6)),
    "hard tanh": lambda x: R.clip(x, -1, 1),
    "leaky": lambda x: R.maximum(x, R.multiply(x, c(0.1))),
    "divided by 5": lambda x: R.divide(R.multiply(x, relu6_plus3(x)), c(5)),
    "mirrored": lambda x: R.clip(R.add(R.multiply(c(-1 / 6), x), c(0.5)), 0, 1),
    "gate of another value": lambda x: R.multiply(R.add(x, c(1)), R.clip(R.add(R.multiply(x, c(0.2)), c(0.5)), 0, 1)),
    "one number per channel": lambda x: R.divide(
        R.clip(R.add(x, relax.const(np.array([3, 3, 3, 4], "float32").reshape(1, 4, 1, 1))), 0, 6), c(6)
    ),
}


def _module(spelling: Callable[[relax.Expr], relax.Expr]) -> IRModule:
    return module_of(lambda builder, x: spelling(x), SHAPE)


def _activation(module: IRModule) -> str | None:
    """The activation that ``main`` is, from its input to its output."""
    flow = Dataflow.of(module)
    output = module["main"].body.body
    found = find_activations(flow).get(output)
    return found.name if found and found.source == flow.parameters[0] else None


@pytest.mark.parametrize("spelling", HSIGMOIDS.values(), ids=HSIGMOIDS)
def test_a_hard_sigmoid_is_recognised_in_every_spelling(spelling: Callable[[relax.Expr], relax.Expr]) -> None:
    module = _module(spelling)
    stage = Stage(module).run(normalize_activations).check_result(run(module, VALUES)[0], VALUES)
    stage.check(multiply=1, add=1, clip=1).check_not("divide", "minimum", "maximum")
    assert _activation(stage.module) == "hsigmoid"


@pytest.mark.parametrize("spelling", HSWISHES.values(), ids=HSWISHES)
def test_a_hard_swish_is_recognised_in_every_spelling(spelling: Callable[[relax.Expr], relax.Expr]) -> None:
    module = _module(spelling)
    stage = Stage(module).run(normalize_activations).check_result(run(module, VALUES)[0], VALUES)
    stage.check(multiply=2, add=1, clip=1).check_not("divide", "minimum", "maximum")
    assert _activation(stage.module) == "hswish"


@pytest.mark.parametrize(
    ("name", "spelling"),
    [
        ("relu", R.nn.relu),
        ("relu", lambda x: R.clip(x, 0, math.inf)),
        ("relu", lambda x: R.maximum(c(0), x)),
        ("relu6", R.nn.relu6),
        ("relu6", lambda x: R.clip(x, 0, 6)),
        ("relu6", lambda x: R.minimum(R.nn.relu(x), c(6))),
        ("relu6", lambda x: R.clip(R.clip(x, 0, math.inf), -math.inf, 6)),
    ],
)
def test_relu_and_relu6_are_recognised(name: str, spelling: Callable[[relax.Expr], relax.Expr]) -> None:
    module = _module(spelling)
    stage = Stage(module).run(normalize_activations).check_result(run(module, VALUES)[0], VALUES)
    assert _activation(stage.module) == name


@pytest.mark.parametrize("spelling", OTHERS.values(), ids=OTHERS)
def test_what_is_only_nearly_an_activation_stays_as_it_is(spelling: Callable[[relax.Expr], relax.Expr]) -> None:
    module = SWEEP(_module(spelling))
    tvm.ir.assert_structural_equal(normalize_activations(module), module)


@st.composite
def hsigmoid_spellings(draw: st.DrawFn) -> Callable[[relax.Expr], relax.Expr]:
    """``min(max(x + 3, 0), 6) / 6`` with its operands commuted, scaled at any place, the clamp written in any way."""
    scales_before, scales_between = draw(st.booleans()), draw(st.booleans())
    commutes = draw(st.lists(st.booleans(), min_size=6, max_size=6))
    clamp = draw(st.sampled_from(["clip", "two clips", "max min", "min max", "relu min"]))
    divides = draw(st.booleans())

    def two(op: Callable[..., relax.Expr], x: relax.Expr, constant: float, place: int) -> relax.Expr:
        return op(c(constant), x) if commutes[place] else op(x, c(constant))

    def sixth(x: relax.Expr) -> relax.Expr:
        return R.divide(x, c(6)) if divides else two(R.multiply, x, 1 / 6, 0)

    def clamped(x: relax.Expr, high: float) -> relax.Expr:
        if clamp == "clip":
            return R.clip(x, 0, high)
        if clamp == "two clips":
            return R.clip(R.clip(x, -math.inf, high), 0, math.inf)
        if clamp == "max min":
            return two(R.maximum, two(R.minimum, x, high, 1), 0, 2)
        if clamp == "min max":
            return two(R.minimum, two(R.maximum, x, 0, 3), high, 4)
        return two(R.minimum, R.nn.relu(x), high, 4)

    def spelling(x: relax.Expr) -> relax.Expr:
        if scales_before:
            return clamped(two(R.add, sixth(x), 0.5, 5), 1)
        if scales_between:
            return clamped(sixth(two(R.add, x, 3, 5)), 1)
        return sixth(clamped(two(R.add, x, 3, 5), 6))

    return spelling


@settings(max_examples=40, deadline=None)
@given(hsigmoid_spellings(), st.sampled_from(["gate", "x * gate", "gate * x"]))
def test_commuted_operands_make_no_difference(spelling: Callable[[relax.Expr], relax.Expr], use: str) -> None:
    whole = spelling if use == "gate" else _hswish(spelling, commuted=use == "gate * x")
    module = _module(whole)
    stage = Stage(module).run(normalize_activations).check_result(run(module, VALUES)[0], VALUES)
    assert _activation(stage.module) == ("hsigmoid" if use == "gate" else "hswish")
    assert not misspelt_activations(Dataflow.of(stage.module))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([0.1, 1 / 6, 0.2, 0.25]),
    st.sampled_from([0.0, 0.4, 0.5, 3.0]),
    st.sampled_from([-1.0, 0.0, 0.1]),
    st.sampled_from([0.9, 1.0, 6.0]),
)
def test_only_the_normal_forms_slope_offset_and_bounds_are_a_hard_sigmoid(
    slope: float, offset: float, low: float, high: float
) -> None:
    module = _module(lambda x: R.clip(R.add(R.multiply(x, c(slope)), c(offset)), low, high))
    stage = Stage(module).run(normalize_activations).check_result(run(module, VALUES)[0], VALUES)
    is_hsigmoid = (slope, offset, low, high) == (1 / 6, 0.5, 0.0, 1.0)
    assert (_activation(stage.module) == "hsigmoid") == is_hsigmoid


def _gate_of_a_convolution(gate: Callable[[relax.Expr], relax.Expr]) -> IRModule:
    """Two convolutions, the input of the second scaled by a gate that the first makes."""
    random = np.random.default_rng(0)
    first, second = (relax.const(random.normal(size=(4, 4, 1, 1)).astype("float32")) for _ in range(2))
    bias = relax.const(random.normal(size=(1, 4, 1, 1)).astype("float32"))

    def body(builder: relax.BlockBuilder, x: relax.Var) -> relax.Expr:
        return R.nn.conv2d(R.multiply(x, gate(R.add(R.nn.conv2d(x, first), bias))), second)

    return module_of(body, SHAPE)


def test_the_3_that_a_converter_folded_into_a_bias_is_taken_out_again() -> None:
    module = _gate_of_a_convolution(lambda y: R.divide(R.clip(y, 0, 6), c(6)))
    stage = Stage(module).run(normalize_activations, fold_scale_and_shift)
    stage.check(add=2, multiply=2, clip=1).check_result(run(module, VALUES)[0], VALUES)
    assert "hsigmoid" in {found.name for found in find_activations(Dataflow.of(stage.module)).values()}


def test_a_rounded_sixth_keeps_its_value_in_the_weights_behind_the_gate() -> None:
    module = _gate_of_a_convolution(lambda y: R.multiply(R.clip(plus3(y), 0, 6), c(0.16667)))
    stage = Stage(module).run(normalize_activations, fold_scale_and_shift, fold_gate_factor)
    stage.check(add=2, multiply=2, clip=1).check_result(run(module, VALUES)[0], VALUES, tolerance=1e-6)
    assert "hsigmoid" in {found.name for found in find_activations(Dataflow.of(stage.module)).values()}


def test_float16_constants_are_recognised_too() -> None:
    module = module_of(
        lambda builder, x: R.divide(R.clip(R.add(x, c(3, dtype="float16")), 0, 6), c(6, dtype="float16")),
        SHAPE,
        dtype="float16",
    )
    assert _activation(normalize_activations(module)) == "hsigmoid"
