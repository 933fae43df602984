from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from passes.small_network import SmallNetwork, imported, randomised
from passes.stage import module_of

from tvm_mnv3.compat import IRModule, R, T, relax
from tvm_mnv3.errors import InputError
from tvm_mnv3.passes.normal_form import CHECKS, CheckNormalForm, NormalFormError
from tvm_mnv3.passes.pipeline import normalize, passes

MAP = (1, 4, 5, 5)
THREE, SIX = relax.const(3.0), relax.const(6.0)


def _constant(*shape: int) -> relax.Expr:
    return relax.const(np.ones(shape, "float32"))


def _of(body: Callable[[relax.Var], relax.Expr], shape: tuple[int, ...] = MAP) -> IRModule:
    return module_of(lambda _, x: body(x), shape)


ILLEGAL = [
    ("folding", _of(lambda x: R.add(x, R.multiply(_constant(1), _constant(1)))), "multiply", "constants"),
    ("activations", _of(lambda x: R.clip(R.divide(R.add(x, THREE), SIX), 0, 1)), "clip", "spelling"),
    ("layout", _of(lambda x: R.nn.conv2d(x, _constant(4, 4, 1, 1))), "nn.conv2d", "NCHW"),
    ("layout", _of(lambda x: R.nn.max_pool2d(x)), "nn.max_pool2d", "NCHW"),
    ("kernels", _of(lambda x: R.matmul(x, _constant(4, 3)), (1, 4)), "matmul", "dense_i4_o3_f32"),
]


@pytest.mark.parametrize(("phase", "module", "operator", "problem"), ILLEGAL, ids=[illegal[2] for illegal in ILLEGAL])
def test_the_operator_that_breaks_the_form_is_named(phase: str, module: IRModule, operator: str, problem: str) -> None:
    with pytest.raises(NormalFormError, match=rf"Operator {operator} .*after {phase}.*{problem}"):
        CheckNormalForm(phase)(module)


def test_a_batch_norm_of_computed_statistics_is_refused_with_what_to_do() -> None:
    def body(builder: relax.BlockBuilder, x: relax.Var) -> relax.Expr:
        mean = builder.emit(R.mean(x, [0, 2, 3]))
        norm = builder.emit(R.nn.batch_norm(x, _constant(4), _constant(4), mean, _constant(4), axis=1))
        return relax.TupleGetItem(norm, 0)

    with pytest.raises(InputError, match=r"Operator nn.batch_norm .*export the network in inference mode"):
        normalize(module_of(body, MAP))


def test_a_dynamic_shape_is_refused_by_its_name() -> None:
    height = T.int64()
    x = relax.Var("picture", relax.TensorType((1, 4, height, 5), "float32"))
    builder = relax.BlockBuilder()
    with builder.function("main", [x]):
        with builder.dataflow():
            result = builder.emit_output(R.nn.relu(x))
        builder.emit_func_output(result)
    with pytest.raises(InputError, match=r"picture.*dynamic"):
        normalize(builder.get())


def test_a_transpose_between_convolutions_is_named() -> None:
    def body(builder: relax.BlockBuilder, x: relax.Var) -> relax.Expr:
        options = {"data_layout": "NHWC", "kernel_layout": "OHWI"}
        y = builder.emit(R.nn.conv2d(R.permute_dims(x, [0, 2, 3, 1]), _constant(4, 3, 3, 4), **options))
        y = builder.emit(R.permute_dims(y, [0, 2, 1, 3]))
        return R.nn.conv2d(y, _constant(4, 3, 3, 4), **options)

    with pytest.raises(NormalFormError, match=r"Operator permute_dims .*transpose inside the network"):
        CheckNormalForm("layout")(module_of(body, MAP))


def test_a_composite_that_is_not_its_workload_is_named() -> None:
    module = normalize(imported(randomised(SmallNetwork())))
    name = next(gv for gv in module.get_global_vars() if gv.name_hint.startswith("dense"))
    module.update_func(name, module[name].with_attr("Operands", ["data", "bias", "weight"]))
    with pytest.raises(NormalFormError, match=r"Operator dense_i8_o10_f32_bias .*operands are"):
        CheckNormalForm("kernels")(module)


def test_every_phase_of_the_pipeline_is_checked() -> None:
    phases = [step.phase for step in passes() if isinstance(step, CheckNormalForm)]
    assert phases == list(CHECKS)
