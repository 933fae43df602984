from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper
from support.command_line import Invoke, assert_refused

from tvm_mnv3.models.registry import find_model


def test_a_bundle_shows_every_kernel_with_uses_tasks_and_multiply_adds(invoke: Invoke, bundle: Path) -> None:
    result = invoke("inspect", bundle)
    assert result.exit_code == 0, result.stderr
    manifest = json.loads((bundle / "model.json").read_text())
    rows = {cells[0]: cells[1:] for line in result.stdout.splitlines() if len(cells := line.split()) >= 5}
    for kernel in manifest["kernels"]:
        assert rows[kernel["workload"]][:3] == [kernel["origin"], str(kernel["uses"]), str(kernel["tasks"])]
    for text in ("float32 1x3x64x64", "random (seed 0)", manifest["library"], manifest["versions"]["apache-tvm"]):
        assert text in result.stdout


def test_a_named_model_shows_its_dialect_and_layers_that_add_up(invoke: Invoke) -> None:
    result = invoke("inspect", "tf_mobilenetv3_small_075")
    assert result.exit_code == 0, result.stderr
    assert "SAME" in result.stdout
    assert "eps 0.001" in result.stdout
    parameters = [
        int(line.split()[-3].replace(",", "")) for line in result.stdout.splitlines() if line.rstrip().endswith(" M")
        and line.split()[0] in ("stem", "block", "last", "head", "classifier")
    ]  # fmt: skip
    assert len(parameters) == 15
    assert sum(parameters) == find_model("tf_mobilenetv3_small_075").counts().parameters


def test_a_model_file_shows_inputs_outputs_and_operators(invoke: Invoke, tmp_path: Path) -> None:
    tensors = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 4, "H", 6]) for name in ("picture", "answer")
    ]
    nodes = [
        helper.make_node("Relu", ["picture"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["answer"]),
    ]
    graph = helper.make_graph(nodes, "g", tensors[:1], tensors[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "tiny.onnx")
    assert_refused(invoke("inspect", "tiny.onnx", "--batch", "2"), 2, "tiny.onnx", "picture", "--input-shape")

    result = invoke("inspect", "tiny.onnx", "--batch", "2", "--input-shape", "picture=2,4,6,6")
    assert result.exit_code == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["input", "picture", "float32", "2x4x6x6"] in rows
    assert ["output", "answer", "float32", "2x4x6x6"] in rows
    assert ["nn.relu", "2"] in rows
    assert ["add", "1"] in rows


@pytest.mark.parametrize("what", ["missing.onnx", "mobilenet_v4", "."])
def test_what_is_nothing_to_inspect_is_refused(invoke: Invoke, what: str) -> None:
    assert_refused(invoke("inspect", what), 2, "mobilenet_v4" if what == "mobilenet_v4" else "")
