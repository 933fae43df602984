"""A small network through code generation: right numbers, TVM's own loader, the same bytes, nothing undefined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.networks import NetworkBuilder

from tvm_mnv3.codegen.driver import Interface
from tvm_mnv3.codegen.kernels import schedule_kernels
from tvm_mnv3.codegen.library import Library, Platform, build_library
from tvm_mnv3.codegen.program import build_program
from tvm_mnv3.compat import IRModule, relax, tvm
from tvm_mnv3.errors import InputError
from tvm_mnv3.targets import load_core
from tvm_mnv3.tensor_spec import TensorSpec

Array = np.ndarray[Any, Any]
HOST = Platform("host", "x86_64-linux-gnu", "x86_64-linux-gnu.2.28")
INPUTS = (TensorSpec("picture", (1, 3, 32, 32), "float32"), TensorSpec("offset", (1, 40), "float32"))
OUTPUTS = (
    TensorSpec("logits", (1, 40), "float32"),
    TensorSpec("probabilities", (1, 40), "float32"),
    TensorSpec("logits again", (1, 40), "float32"),
    TensorSpec("offset", (1, 40), "float32"),
)


class Small:
    """A bottleneck with SE and residual, a classifier, and outputs of every kind: own, fallback's, twice, an input."""

    def __init__(self) -> None:
        self.picture, self.offset = (relax.Var(s.name, relax.TensorType(s.shape, s.dtype)) for s in INPUTS)
        self.network = NetworkBuilder(seed=1)
        self.module: IRModule = self.network.build([self.picture, self.offset], self._body)

    def _body(self, n: NetworkBuilder) -> list[relax.Expr]:
        (stem,) = n.kernel("conv_k3s2_h32w32_i3_o16_f32_nchw_bias_hswish", data=self.picture)
        (wide,) = n.kernel("pointwise_h16w16_i16_o72_f32_bias_relu", data=stem)
        deep, mean = n.kernel("depthwise_k5s1_h16w16_c72_f32_bias_hswish_pool", data=wide)
        (scale,) = n.kernel("se_c72_s24_f32_relu_hsigmoid", data=mean)
        (narrow,) = n.kernel("pointwise_h16w16_i72_o16_f32_scale_bias_add", data=deep, scale=scale, residual=stem)
        (pooled,) = n.kernel("pool_h16w16_c16_f32", data=narrow)
        flat = n.view(pooled, (1, 16))
        (logits,) = n.kernel("dense_i16_o40_f32_bias", data=flat)
        self.logits = logits
        shifted = n.builder.emit(relax.op.add(logits, self.offset))
        probabilities = n.builder.emit(relax.op.nn.softmax(shifted))
        return [logits, probabilities, logits, self.offset]

    def expected(self, picture: Array, offset: Array) -> list[Array]:
        logits = self.network.expected({self.picture: picture, self.offset: offset})[self.logits]
        exponentials = np.exp(logits + offset - (logits + offset).max())
        return [logits, exponentials / exponentials.sum(), logits, offset]


def build(folder: Path, module: IRModule, outputs: tuple[TensorSpec, ...] = OUTPUTS) -> Library:
    core = load_core("host")
    interface = Interface("net", "net", "0", "host", INPUTS, outputs)
    return build_library(schedule_kernels(module, core), core, HOST, interface, folder)


@pytest.fixture(scope="module")
def small() -> Small:
    return Small()


@pytest.fixture(scope="module")
def folder(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    build(folder, small.module)
    return folder


@pytest.fixture
def arrays() -> list[Array]:
    random = np.random.default_rng(7)
    return [random.standard_normal(spec.shape).astype(spec.dtype) for spec in INPUTS]


def run_by_tvm(library: Path, inputs: list[Array], outputs: tuple[TensorSpec, ...]) -> tuple[int, list[Array]]:
    """Status and outputs, with nothing but TVM's runtime."""
    module = tvm.runtime.load_module(str(library))
    context = tvm.runtime.empty((int(module["context_size"]()),), "uint8")
    results = [tvm.runtime.empty(spec.shape, spec.dtype) for spec in outputs]
    status = module["run"](context, *map(tvm.runtime.tensor, inputs), *results)
    return int(status), [result.numpy() for result in results]


def test_tvm_loads_the_library_and_gets_the_reference_numbers(folder: Path, small: Small, arrays: list[Array]) -> None:
    status, outputs = run_by_tvm(folder / "libnet.so", arrays, OUTPUTS)
    assert status == 0
    for output, expected in zip(outputs, small.expected(*arrays), strict=True):
        np.testing.assert_allclose(output, expected, atol=1e-5)


def test_tvm_gets_a_status_for_tensors_that_are_not_the_models(folder: Path, arrays: list[Array]) -> None:
    wrong = [arrays[0].astype("float64"), arrays[1]]
    assert run_by_tvm(folder / "libnet.so", wrong, OUTPUTS)[0] == 3
    assert run_by_tvm(folder / "libnet.so", [arrays[0][:, :, :16], arrays[1]], OUTPUTS)[0] == 3
    assert run_by_tvm(folder / "libnet.so", arrays, OUTPUTS[:2])[0] == 3


def test_same_network_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    library = build(tmp_path, Small().module)
    for name in library.files:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_only_outputs_that_no_kernel_owns_are_copied(small: Small) -> None:
    program = build_program(schedule_kernels(small.module, load_core("host")))
    copies = [step for step in program.steps if step.kernel is None]
    assert [step.operands[1].index for step in copies] == [2, 3]  # the logits again, and the input


def test_equal_weights_are_kept_once() -> None:
    x, y = (relax.Var(s.name, relax.TensorType(s.shape, s.dtype)) for s in INPUTS)

    def body(n: NetworkBuilder) -> relax.Expr:
        (first,) = n.kernel("dense_i40_o40_f32_bias", data=y)
        n.random = np.random.default_rng(n.seed)
        (second,) = n.kernel("dense_i40_o40_f32_bias", data=first)
        return second

    program = build_program(schedule_kernels(NetworkBuilder().build([x, y], body), load_core("host")))
    first, second = (step.operands for step in program.steps)
    assert first[1:3] == second[1:3]


def test_function_that_no_freestanding_library_has_is_named(tmp_path: Path) -> None:
    x, y = (relax.Var(s.name, relax.TensorType(s.shape, s.dtype)) for s in INPUTS)
    n = NetworkBuilder()
    module = n.build([x, y], lambda b: b.builder.emit(relax.op.acosh(y)))
    with pytest.raises(InputError, match="needs the function acoshf"):
        build(tmp_path, module, (TensorSpec("o", (1, 40), "float32"),))
