from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from passes.interpreter import run
from passes.small_network import INPUT, LinearSqueezeExcite, SmallNetwork, SqueezeExcite, imported, randomised
from passes.stage import Stage, operators
from torch import nn

from tvm_mnv3.compat import IRModule, Target, relax, tvm
from tvm_mnv3.frontend.from_onnx import import_onnx
from tvm_mnv3.models import build_model
from tvm_mnv3.passes.dump_module import DumpModule
from tvm_mnv3.passes.normal_form import CheckNormalForm
from tvm_mnv3.passes.pipeline import normalize, passes

#: The passes that change something, each with its place in the pipeline.
REWRITES = [(index, step) for index, step in enumerate(passes()) if not isinstance(step, DumpModule | CheckNormalForm)]
FREE = {"reshape"}
SMALL_KERNELS = [
    "conv_k3s2_p0x0x1x1_h17w17_i3_o8_f32_nchw_bias_hswish",
    "pointwise_h8w8_i8_o24_f32_bias_hswish",
    "depthwise_k5s1_h8w8_c24_f32_bias_hswish_pool",
    "se_c24_s6_f32_relu_hsigmoid",
    "pointwise_h8w8_i24_o8_f32_scale_bias_add",
    "pool_h8w8_c8_f32",
    "dense_i8_o10_f32_bias",
]


def _name(step: object) -> str:
    return getattr(step, "__name__", "sweep")


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return randomised(SmallNetwork())


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.random.default_rng(0).normal(size=INPUT).astype(np.float32)


@pytest.fixture(scope="module")
def stages(network: nn.Module) -> list[IRModule]:
    """The small network as imported, then after each pass."""
    modules = [imported(network)]
    for step in passes():
        modules.append(step(modules[-1]))
    return modules


def _torch(network: nn.Module, picture: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return network(torch.from_numpy(picture)).numpy()


@pytest.mark.parametrize(("index", "step"), REWRITES, ids=[f"{i:02d}_{_name(step)}" for i, step in REWRITES])
def test_every_pass_writes_its_golden_ir(
    index: int, step: object, stages: list[IRModule], golden: Callable[[str, str], None]
) -> None:
    golden(f"{index:02d}_{_name(step)}.txt", stages[index + 1].script(show_meta=False))


@pytest.mark.parametrize(("index", "step"), REWRITES, ids=[f"{i:02d}_{_name(step)}" for i, step in REWRITES])
def test_no_pass_changes_the_result(
    index: int, step: object, stages: list[IRModule], network: nn.Module, picture: np.ndarray
) -> None:
    Stage(stages[index + 1]).check_result(_torch(network, picture), picture)


def test_a_bottleneck_becomes_one_kernel_per_layer(stages: list[IRModule]) -> None:
    assert [name for name in operators(stages[-1]) if name not in FREE] == SMALL_KERNELS


def test_a_squeeze_excite_of_linear_layers_is_the_same_kernel(picture: np.ndarray) -> None:
    network = randomised(SmallNetwork(LinearSqueezeExcite()))
    stage = Stage(imported(network)).run(normalize).check_result(_torch(network, picture), picture)
    assert [name for name in operators(stage.module) if name not in FREE] == SMALL_KERNELS


def test_a_squeeze_excite_with_another_gate_stays_in_its_parts(picture: np.ndarray) -> None:
    network = randomised(SmallNetwork(SqueezeExcite(gate=nn.Sigmoid())))
    stage = Stage(imported(network)).run(normalize).check_result(_torch(network, picture), picture)
    stage.check(sigmoid=1, multiply=1, dense_i24_o6_f32_bias_relu=1, dense_i6_o24_f32_bias=1, pool_h8w8_c24_f32=1)


def test_a_scaled_map_with_two_readers_is_not_fused(picture: np.ndarray) -> None:
    class TwoReaders(SqueezeExcite):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            scaled = super().forward(x)
            return scaled + torch.sigmoid(scaled)

    network = randomised(SmallNetwork(TwoReaders()))
    stage = Stage(imported(network)).run(normalize).check_result(_torch(network, picture), picture)
    stage.check(multiply=1, pointwise_h8w8_i24_o8_f32_bias_add=1, dense_i6_o24_f32_bias_hsigmoid=1)


def test_normalizing_twice_changes_nothing(stages: list[IRModule]) -> None:
    before_kernels = next(i for i, step in enumerate(passes()) if _name(step) == "fuse_squeeze_excite")
    again = stages[before_kernels]
    for step in passes()[:before_kernels]:
        again = step(again)
    tvm.ir.assert_structural_equal(again, stages[before_kernels])


def test_the_ir_is_dumped_after_each_phase(network: nn.Module, tmp_path: Path) -> None:
    normalize(imported(network), dump=tmp_path / "ir")
    names = sorted(path.name for path in (tmp_path / "ir").iterdir())
    assert names == ["00_imported.py", "01_folded.py", "02_activations.py", "03_layout.py", "04_kernels.py"]
    assert "nn.batch_norm" in (tmp_path / "ir" / names[0]).read_text()
    assert SMALL_KERNELS[0] in (tmp_path / "ir" / names[-1]).read_text()


def test_tvm_runs_the_normal_form(stages: list[IRModule], network: nn.Module, picture: np.ndarray) -> None:
    executable = relax.build(stages[-1], Target({"kind": "llvm"}))
    result = relax.VirtualMachine(executable, tvm.cpu())["main"](tvm.runtime.tensor(picture)).numpy()
    np.testing.assert_allclose(result, _torch(network, picture), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "batch"),
    [
        ("mobilenet_v3_small", 3),
        pytest.param("mobilenet_v3_large", 1, marks=pytest.mark.slow),
        pytest.param("mobilenetv3_large_100", 1, marks=pytest.mark.slow),
        pytest.param("tf_mobilenetv3_small_100", 1, marks=pytest.mark.slow),
        pytest.param("tf_mobilenetv3_large_minimal_100", 1, marks=pytest.mark.slow),
    ],
)
def test_whole_networks_end_in_kernels_alone(name: str, batch: int) -> None:
    network = build_model(name, num_classes=11, seed=0).eval()
    shape = (batch, 3, 96, 96)
    picture = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = _torch(network, picture)
    stage = Stage(imported(network, shape)).run(normalize)
    stage.check_result(expected, picture, tolerance=2e-5 * float(np.ptp(expected)))
    assert not [op for op in operators(stage.module) if "_f32" not in op and op not in FREE]


@pytest.mark.parametrize(
    ("file", "ordinary"),
    [
        # x * 2 - 1 before the padded stem, whose border sees zeros, not minus ones: its prologue, not its weights.
        ("mobilenet_v3_small_imagenet1001_fp32.onnx", set()),
        ("ssdlite320_mobilenet_v3_large_coco_raw_fp32.onnx", {"concat"}),
        ("lraspp_mobilenet_v3_small_street5_fp32.onnx", {"image.resize2d", "multiply", "nn.avg_pool2d", "argmax"}),
    ],
)
def test_real_onnx_files_keep_their_results(file: str, ordinary: set[str], shared: Path) -> None:
    path = shared / "models" / file
    model = import_onnx(path)
    module = normalize(model.module)
    assert {op for op in operators(module) if "_f32" not in op} - FREE == ordinary
    picture = np.random.default_rng(0).random(model.inputs[0].shape).astype(np.float32)
    session = onnxruntime.InferenceSession(str(path))
    expected = session.run(None, {session.get_inputs()[0].name: picture})
    for result, wanted in zip(run(module, picture), expected, strict=True):
        if result.dtype == np.int64:  # a class per pixel
            assert (result == wanted).mean() > 0.9999
        else:
            np.testing.assert_allclose(result, wanted, atol=1e-5 * float(np.ptp(wanted)), rtol=0)
