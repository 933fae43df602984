"""References: what each kind of model answers, and what each refuses."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from tvm_mnv3 import Bundle, CompileOptions
from tvm_mnv3.errors import EnvironmentProblem, InputError
from tvm_mnv3.validation.reference import check_answer, open_reference

Compile = Callable[[CompileOptions], Bundle]
QUICK = CompileOptions("mobilenet_v3_small_035", target="host", weights="random", input_size=64)
PICTURE = np.random.default_rng(0).standard_normal((1, 3, 64, 64)).astype(np.float32)


class Tiny(nn.Module):
    """A convolution, a hard-swish, the mean."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 1000, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.hardswish(self.conv(x)).mean((2, 3))


def tiny_onnx(network: Tiny, file: Path, batch: int | str) -> Path:
    """The same as an ONNX file, written by hand."""
    weight, bias = (parameter.detach().numpy() for parameter in (network.conv.weight, network.conv.bias))
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w", "b"], ["c"], name="conv"),
        onnx.helper.make_node("HardSwish", ["c"], ["h"]),
        onnx.helper.make_node("ReduceMean", ["h"], ["y"], axes=[2, 3], keepdims=0),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "tiny",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [batch, 3, 64, 64])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [batch, 1000])],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
    )
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), file)
    return file


@pytest.fixture
def tiny() -> Tiny:
    torch.manual_seed(0)
    return Tiny().eval()


def test_a_module_a_pt2_file_and_an_onnx_file_answer_the_same_everywhere(
    compiled: Compile, tiny: Tiny, tmp_path: Path
) -> None:
    torch.export.save(torch.export.export(tiny, (torch.zeros(1, 3, 64, 64),)), tmp_path / "tiny.pt2")
    sources = [tiny, tmp_path / "tiny.pt2", tiny_onnx(tiny, tmp_path / "tiny.onnx", "batch")]
    bundle = compiled(QUICK)
    answers, middles = [], []
    for source in sources:
        reference = open_reference(source, bundle)
        answers.append(reference.run(PICTURE))
        check_answer(reference, answers[-1], bundle)
        (layer,) = (node for node in reference.nodes() if node.layer is not None)
        assert layer.layer == "conv"
        assert layer.weight_shape == (1000, 3, 3, 3)
        middles.append(reference.values(PICTURE)[layer.output])
    for answer, middle in zip(answers, middles, strict=True):
        np.testing.assert_allclose(answer, answers[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(middle, middles[0], rtol=1e-4, atol=1e-5)


def test_an_input_of_another_shape_is_refused(compiled: Compile, tiny: Tiny, tmp_path: Path) -> None:
    for source in (tiny, tiny_onnx(tiny, tmp_path / "tiny.onnx", 4)):
        reference = open_reference(source, compiled(QUICK))
        with pytest.raises(InputError, match="takes an input of"):
            reference.run(PICTURE[:, :, :32] if source is tiny else PICTURE)


def test_a_named_reference_has_the_bundle_s_own_weights(compiled: Compile) -> None:
    bundle = compiled(CompileOptions("mobilenet_v3_small_035", target="host", weights="random", seed=7, input_size=64))
    same, other = (open_reference("mobilenet_v3_small_035", each) for each in (bundle, compiled(QUICK)))
    assert not np.allclose(same.run(PICTURE), other.run(PICTURE))


def test_weights_go_with_names_only(compiled: Compile, tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--reference-weights goes with the name"):
        open_reference(tiny, compiled(QUICK), "weights.pth")
    with pytest.raises(InputError, match="--reference-weights goes with the name"):
        open_reference(tiny_onnx(tiny, tmp_path / "tiny.onnx", 1), compiled(QUICK), "weights.pth")


def test_without_onnx_runtime_a_sentence_says_what_to_install(
    compiled: Compile, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else find(name))
    with pytest.raises(EnvironmentProblem, match=r"pip install 'tvm-mnv3\[validate\]'"):
        open_reference(tiny_onnx(tiny, tmp_path / "tiny.onnx", 1), compiled(QUICK))


@pytest.mark.parametrize("name", ["missing.onnx", "missing.pt2", "notes.txt"])
def test_files_that_are_no_models_are_refused(compiled: Compile, tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        open_reference(tmp_path / name, compiled(QUICK))
