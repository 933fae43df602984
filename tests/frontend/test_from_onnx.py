import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from torch import nn

from tvm_mnv3.compat import relax
from tvm_mnv3.errors import InputError
from tvm_mnv3.frontend.from_onnx import import_onnx
from tvm_mnv3.frontend.imported import ImportedModel, TensorSpec

RunOnVm = Callable[..., list[np.ndarray]]
WriteOnnx = Callable[..., Path]


def node(kind: str, inputs: str, outputs: str = "y", **attributes: object) -> onnx.NodeProto:
    """A node of the inputs and outputs named in two strings."""
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def operators(imported: ImportedModel) -> list[str]:
    return [
        binding.value.op.name
        for block in imported.module["main"].body.blocks
        for binding in block.bindings
        if isinstance(binding.value, relax.Call)
    ]


def onnx_runtime(path: Path, *arrays: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    return list(session.run(None, dict(zip(names, arrays, strict=True))))


def values(*shape: int) -> np.ndarray:
    """Numbers over the range in which the activations bend."""
    return np.random.default_rng(0).uniform(-6, 8, size=shape).astype("float32")


# What is imported computes what the file says.


@pytest.mark.slow
def test_trained_network_has_onnx_runtimes_logits(shared: Path, run_on_vm: RunOnVm) -> None:
    path = shared / "models" / "mobilenet_v3_small_imagenet1001_fp32.onnx"
    picture = np.random.default_rng(0).uniform(0, 1, size=(1, 3, 224, 224)).astype("float32")
    (logits,) = run_on_vm(import_onnx(path), picture)
    (expected,) = onnx_runtime(path, picture)
    assert np.abs(logits - expected).max() < 1e-4 * np.ptp(expected)


@pytest.mark.parametrize(
    ("file", "size", "outputs"),
    [
        ("mobilenet_v3_small_imagenet1001_fp32", (224, 224), [("output", (1, 1001), "float32")]),
        ("lraspp_mobilenet_v3_small_street5_fp32", (513, 1025), [("output", (1, 513, 1025), "int64")]),
        (
            "ssdlite320_mobilenet_v3_large_coco_raw_fp32",
            (320, 320),
            [("cls_logits", (1, 3234, 91), "float32"), ("bbox_regression", (1, 3234, 4), "float32")],
        ),
    ],
)
def test_trained_networks_import_with_static_shapes(
    shared: Path, file: str, size: tuple[int, int], outputs: list[tuple[str, tuple[int, ...], str]]
) -> None:
    imported = import_onnx(shared / "models" / f"{file}.onnx")
    assert imported.name == file
    assert imported.inputs == (TensorSpec("input", (1, 3, *size), "float32"),)
    assert imported.outputs == tuple(TensorSpec(*output) for output in outputs)
    assert [function.name_hint for function in imported.module.functions] == ["main"]
    assert len(imported.module["main"].params) == 1
    assert imported.provenance.weights_sha256 is not None


@pytest.mark.parametrize("opset", [11, 13, 17])
def test_hard_sigmoid_and_hard_swish_as_each_opset_spells_them(
    opset: int, write_onnx: WriteOnnx, run_on_vm: RunOnVm
) -> None:
    nodes = [
        node("HardSigmoid", "x", "default"),  # slope 0.2
        node("HardSigmoid", "x", "sixth", alpha=1 / 6),
        node("Mul", "x scale", "scaled"),
        node("Add", "scaled half", "shifted"),
        node("Clip", "shifted zero one", "clipped"),
    ]
    if opset >= 14:
        nodes.append(node("HardSwish", "x", "swish"))
    else:
        nodes += [node("HardSigmoid", "x", "gate", alpha=1 / 6), node("Mul", "x gate", "swish")]
    constants = {"scale": np.float32(1 / 6), "half": np.float32(0.5), "zero": np.float32(0), "one": np.float32(1)}
    names = ("default", "sixth", "clipped", "swish")
    path = write_onnx(nodes, {"x": (1, 2, 3, 50)}, names, constants, opset=opset)
    x = values(1, 2, 3, 50)
    results = run_on_vm(import_onnx(path), x)
    for name, result, expected in zip(names, results, onnx_runtime(path, x), strict=True):
        np.testing.assert_allclose(result, expected, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    ("opset", "bounds"),
    [
        *((opset, bounds) for opset in (10, 11, 17) for bounds in ((0.0, 6.0), (None, 6.0), (0.0, None))),
        (17, (float("nan"), 1.0)),
    ],
)
def test_clip_becomes_the_clip_of_relax(
    opset: int, bounds: tuple[float | None, float | None], write_onnx: WriteOnnx, run_on_vm: RunOnVm
) -> None:
    named = {name: bound for name, bound in zip(("min", "max"), bounds, strict=True) if bound is not None}
    if opset < 11:
        path = write_onnx([helper.make_node("Clip", ["x"], ["y"], **named)], {"x": (1, 30)}, opset=opset)
    else:
        constants = {name: np.float32(bound) for name, bound in named.items()}
        clip = helper.make_node("Clip", ["x", *(name if name in named else "" for name in ("min", "max"))], ["y"])
        path = write_onnx([clip], {"x": (1, 30)}, initializers=constants, opset=opset)
    imported = import_onnx(path)
    assert operators(imported) == ["relax.clip"]
    x = values(1, 30)
    np.testing.assert_array_equal(run_on_vm(imported, x)[0], onnx_runtime(path, x)[0])


def test_clip_of_integers_by_computed_and_by_crossing_bounds(write_onnx: WriteOnnx, run_on_vm: RunOnVm) -> None:
    path = write_onnx(
        [node("Clip", "i zero nine", "clipped"), node("Clip", "x low", "raised"), node("Clip", "x two one", "c")],
        {"i": (1, 6), "x": (1, 6), "low": ()},
        ("clipped", "raised", "c"),
        {"zero": np.int32(0), "nine": np.int32(9), "two": np.float32(2), "one": np.float32(1)},
        input_types={"i": TensorProto.INT32},
        output_types={"clipped": TensorProto.INT32},
    )
    arrays = np.array([[-5, 0, 3, 9, 10, 99]], "int32"), values(1, 6), np.array(1.5, "float32")
    for result, expected in zip(run_on_vm(import_onnx(path), *arrays), onnx_runtime(path, *arrays), strict=True):
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("opset", [10, 11, 17])
@pytest.mark.parametrize("value", [0.0, -1.5])
def test_constant_padding_becomes_the_padding_of_relax(
    opset: int, value: float, write_onnx: WriteOnnx, run_on_vm: RunOnVm
) -> None:
    pads = [0, 0, 0, 1, 0, 0, 2, 3]  # the starts of all axes, then their ends
    if opset < 11:
        pad, constants = node("Pad", "x", pads=pads, value=value), {}
    else:
        pad, constants = node("Pad", "x pads value"), {"pads": np.array(pads), "value": np.float32(value)}
    path = write_onnx([pad], {"x": (1, 2, 4, 5)}, initializers=constants, opset=opset)
    imported = import_onnx(path)
    assert operators(imported) == ["relax.nn.pad"]
    x = values(1, 2, 4, 5)
    np.testing.assert_array_equal(run_on_vm(imported, x)[0], onnx_runtime(path, x)[0])


@pytest.mark.parametrize("mode", ["reflect", "edge"])
def test_other_padding_is_left_to_tvm(mode: str, write_onnx: WriteOnnx, run_on_vm: RunOnVm) -> None:
    pads = {"pads": np.array([0, 0, 1, 1, 0, 0, 2, 1])}
    path = write_onnx([node("Pad", "x pads", mode=mode)], {"x": (1, 2, 4, 5)}, initializers=pads, opset=17)
    x = values(1, 2, 4, 5)
    np.testing.assert_array_equal(run_on_vm(import_onnx(path), x)[0], onnx_runtime(path, x)[0])


def test_dropout_and_identity_are_gone(write_onnx: WriteOnnx, run_on_vm: RunOnVm) -> None:
    nodes = [
        node("Identity", "x", "same"),
        node("Dropout", "same ratio", "kept mask"),
        node("Relu", "kept"),
        node("Identity", "mask", "m"),
    ]
    path = write_onnx(
        nodes, {"x": (1, 8)}, ("y", "m"), {"ratio": np.float32(0.5)}, output_types={"m": TensorProto.BOOL}
    )
    imported = import_onnx(path)
    assert operators(imported) == ["relax.nn.relu"]
    result, mask = run_on_vm(imported, values(1, 8))
    np.testing.assert_array_equal(result, np.maximum(values(1, 8), 0))
    assert mask.all()


def test_inputs_and_outputs_of_different_types(write_onnx: WriteOnnx, run_on_vm: RunOnVm) -> None:
    path = write_onnx(
        [node("Add", "features.0 features.0", "twice"), node("Mul", "classes classes", "squares")],
        {"features.0": ("N", 3), "classes": ("N",)},
        ("twice", "squares"),
        input_types={"classes": TensorProto.INT64},
        output_types={"squares": TensorProto.INT64},
    )
    imported = import_onnx(path, batch=2)
    assert imported.inputs == (TensorSpec("features.0", (2, 3), "float32"), TensorSpec("classes", (2,), "int64"))
    assert imported.outputs == (TensorSpec("twice", (2, 3), "float32"), TensorSpec("squares", (2,), "int64"))
    twice, squares = run_on_vm(imported, values(2, 3), np.array([3, 4]))
    np.testing.assert_array_equal(twice, values(2, 3) * 2)
    np.testing.assert_array_equal(squares, [9, 16])


def test_what_pytorch_exports_with_a_dynamic_batch(block: nn.Module, tmp_path: Path, run_on_vm: RunOnVm) -> None:
    pytest.importorskip("onnxscript")
    path = tmp_path / "block.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        batch = torch.export.Dim("batch")
        example = (torch.zeros(2, 4, 10, 10),)
        # Weights go into a file beside path.
        torch.onnx.export(
            block.eval(), example, path, dynamo=True, external_data=True, dynamic_shapes=({0: batch},), verbose=False
        )
    imported = import_onnx(path, batch=3)
    assert imported.inputs[0].shape == imported.outputs[0].shape == (3, 4, 10, 10)
    image = values(3, 4, 10, 10)
    expected = block(torch.from_numpy(image)).detach().numpy()
    assert np.abs(run_on_vm(imported, image)[0] - expected).max() < 1e-5 * np.ptp(expected)


def test_weights_in_external_files_count_for_the_hash(write_onnx: WriteOnnx, tmp_path: Path) -> None:
    hashes = []
    for value in (1.0, 2.0):
        weights = {"w": np.full((64, 64), value, "float32")}
        path = write_onnx([node("MatMul", "x w")], {"x": (1, 64)}, initializers=weights)
        onnx.save(onnx.load(path), path, save_as_external_data=True, location="w.bin", size_threshold=0)
        hashes.append(import_onnx(path).provenance.weights_sha256)
        (tmp_path / "w.bin").unlink()
    assert hashes[0] != hashes[1]
    with pytest.raises(InputError, match=r"net\.onnx.*w\.bin"):
        import_onnx(path)


def test_local_functions_are_inlined(write_onnx: WriteOnnx) -> None:
    path = write_onnx([node("Activate", "x", domain="local")], {"x": (1, 3)})
    model = onnx.load(path)
    body = [node("Relu", "a", "b")]
    opsets = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("local", "Activate", ["a"], ["b"], body, opsets))
    onnx.save(model, path)
    assert operators(import_onnx(path)) == ["relax.nn.relu"]


# Shapes.


def test_shape_computing_nodes_are_folded(write_onnx: WriteOnnx, run_on_vm: RunOnVm) -> None:
    # What older PyTorch exports for x.view(x.size(0), -1), and a broadcast to a shape that was computed.
    nodes = [
        node("Shape", "x", "shape"),
        node("Gather", "shape zero", "n"),
        node("Unsqueeze", "n axes", "n1"),
        node("Concat", "n1 minus", "target", axis=0),
        node("Reshape", "x target", "flat"),
        node("Shape", "flat", "flat_shape"),
        node("ConstantOfShape", "flat_shape", "zeros"),
        node("Add", "flat zeros"),
    ]
    constants = {"zero": np.int64(0), "axes": np.array([0]), "minus": np.array([-1])}
    path = write_onnx(nodes, {"x": ("batch", 3, 4, 5)}, initializers=constants)
    imported = import_onnx(path, batch=2)
    assert imported.outputs == (TensorSpec("y", (2, 60), "float32"),)
    assert operators(imported) == ["relax.reshape", "relax.add"]
    x = values(2, 3, 4, 5)
    np.testing.assert_array_equal(run_on_vm(imported, x)[0], x.reshape(2, 60))


def test_quantized_weights_stay_quantized(write_onnx: WriteOnnx) -> None:
    constants = {"w": np.ones((4, 4), "int8"), "scale": np.float32(0.5), "zero": np.int8(0)}
    nodes = [node("DequantizeLinear", "w scale zero", "real"), node("MatMul", "x real")]
    assert "relax.dequantize" in operators(import_onnx(write_onnx(nodes, {"x": (1, 4)}, initializers=constants)))


def test_dynamic_height_names_input_dimension_and_option(write_onnx: WriteOnnx) -> None:
    path = write_onnx([node("Relu", "x")], {"x": (1, 3, "height", 224)})
    said = r"net\.onnx: dimension 2 \(height\) of input 'x'.*--input-shape x=1,3,224,224"
    with pytest.raises(InputError, match=said):
        import_onnx(path)
    assert import_onnx(path, input_shapes={"x": (1, 3, 96, 224)}).outputs[0].shape == (1, 3, 96, 224)


def test_fixed_batch_that_differs_from_the_option(write_onnx: WriteOnnx) -> None:
    path = write_onnx([node("Relu", "x")], {"x": (1, 3, 8, 8)})
    with pytest.raises(InputError, match=r"net\.onnx: the batch size of input 'x' is fixed at 1, not 4"):
        import_onnx(path, batch=4)


def test_shape_that_depends_on_data(write_onnx: WriteOnnx) -> None:
    path = write_onnx(
        [node("Reshape", "x shape")], {"x": (1, 12), "shape": (2,)}, input_types={"shape": TensorProto.INT64}
    )
    with pytest.raises(InputError, match=r"^net\.onnx: "):
        import_onnx(path)


# Bad files.


def test_unsupported_operators_are_named_with_their_nodes(write_onnx: WriteOnnx) -> None:
    nodes = [
        node("Det", "x", "d", name="the/determinant"),
        node("FancyConv", "x", domain="com.example"),
        node("NonZero", "x", "n", name="where"),
    ]
    path = write_onnx(nodes, {"x": (3, 3)}, ("d", "y"))
    with pytest.raises(InputError) as raised:
        import_onnx(path, batch=3)
    text = str(raised.value)
    assert text.startswith("net.onnx: unsupported operators Det (node 'the/determinant'), com.example.FancyConv")
    assert "output 'y'" in text
    assert "NonZero (node 'where')" in text


def test_operator_of_a_foreign_domain_is_not_taken_for_onnxs(write_onnx: WriteOnnx) -> None:
    path = write_onnx([node("Relu", "x", domain="com.example")], {"x": (1, 3)})
    with pytest.raises(InputError, match=r"com\.example\.Relu"):
        import_onnx(path)


def test_node_that_tvm_cannot_convert_is_named(write_onnx: WriteOnnx) -> None:
    path = write_onnx([node("MatMul", "x w", name="head")], {"x": (1, 4)}, initializers={"w": np.ones((5, 2), "f4")})
    with pytest.raises(InputError, match=r"net\.onnx: cannot import MatMul \(node 'head'\): "):
        import_onnx(path)


def test_batch_norm_in_training_mode_is_refused(write_onnx: WriteOnnx) -> None:
    constants = {name: np.ones(3, "f4") for name in ("scale", "bias", "mean", "var")}
    norm = node("BatchNormalization", "x scale bias mean var", "y m v", training_mode=1, name="bn")
    path = write_onnx([norm], {"x": (1, 3, 4, 4)}, initializers=constants)
    with pytest.raises(InputError, match=r"BatchNormalization \(node 'bn'\) is in training mode"):
        import_onnx(path)


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 64, b"this is a text file\n" * 9, b"\x80\x04cos\nsystem\n.", b"PK\3\4"]
)
def test_file_that_is_no_onnx(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "wrong.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"^wrong\.onnx is not a readable ONNX file"):
        import_onnx(path)


def test_graph_that_contradicts_itself(write_onnx: WriteOnnx) -> None:
    path = write_onnx([node("Relu", "nowhere")], {"x": (1, 3)})
    with pytest.raises(InputError, match=r"^net\.onnx is not a valid ONNX model: .*nowhere"):
        import_onnx(path)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_prefix_of_a_file_imports_or_is_an_input_error(data: st.DataObject, write_onnx: WriteOnnx) -> None:
    constants = {"w": np.ones((4, 3, 1, 1), "float32")}
    nodes = [node("Conv", "x w", "conv"), node("HardSwish", "conv", "swish"), node("GlobalAveragePool", "swish")]
    whole = write_onnx(nodes, {"x": ("N", 3, 4, 4)}, initializers=constants).read_bytes()
    path = write_onnx(nodes, {"x": ("N", 3, 4, 4)}, file="cut.onnx")
    length = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:length])
    try:
        outputs = import_onnx(path).outputs
    except InputError as error:
        message = str(error)
    else:
        assert outputs == (TensorSpec("y", (1, 4, 1, 1), "float32"),)
        return
    assert length < len(whole)
    assert "cut.onnx" in message
