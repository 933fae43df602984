from __future__ import annotations

import numpy as np
from passes.stage import Stage, module_of

from tvm_mnv3.compat import R, relax
from tvm_mnv3.passes.dataflow import array
from tvm_mnv3.passes.fold_constants import fold_constants

A = np.arange(6, dtype="float32").reshape(2, 3)


def _folded(expr: relax.Expr) -> np.ndarray:
    """What an expression of constants is folded to; it stands beside an input so that something is left."""
    module = fold_constants(module_of(lambda builder, x: relax.Tuple([x, builder.emit(expr)]), (1,)))
    (binding,) = module["main"].body.blocks[0].bindings
    value = array(binding.value.fields[1])
    assert value is not None
    return value


def test_arithmetic_and_views_are_evaluated() -> None:
    a, half = relax.const(A), relax.const(0.5)
    np.testing.assert_array_equal(_folded(R.permute_dims(a)), A.T)
    np.testing.assert_array_equal(_folded(R.permute_dims(a, [1, 0])), A.T)
    np.testing.assert_array_equal(_folded(R.clip(R.multiply(R.add(a, a), half), 1, 3)), A.clip(1, 3))
    np.testing.assert_array_equal(_folded(R.squeeze(R.expand_dims(R.reshape(a, (3, 2)), 0))), A.reshape(3, 2))
    np.testing.assert_array_equal(_folded(R.broadcast_to(relax.const(A[:1]), (2, 3))), np.tile(A[:1], (2, 1)))
    np.testing.assert_allclose(_folded(R.divide(a, R.sqrt(R.add(a, half)))), A / np.sqrt(A + 0.5))


def test_the_not_a_number_test_of_a_clip_is_evaluated() -> None:
    bound = relax.const(np.array([np.nan, 6], "float32"))
    infinity = relax.const(np.float32(np.inf))
    np.testing.assert_array_equal(_folded(R.where(R.isnan(bound), infinity, bound)), [np.inf, 6])


def test_quantized_weights_are_evaluated_per_channel() -> None:
    weight = relax.const(np.array([[10, 20], [30, 40]], "int8"))
    scale, zero = relax.const(np.array([0.5, 2], "float32")), relax.const(np.array([0, 10], "int8"))
    np.testing.assert_array_equal(_folded(R.dequantize(weight, scale, zero, axis=0)), [[5, 10], [40, 60]])


def test_what_depends_on_an_input_stays() -> None:
    module = module_of(lambda _, x: R.add(R.multiply(x, relax.const(A)), relax.const(A)), (2, 3))
    Stage(module).run(fold_constants).check(multiply=1, add=1)
