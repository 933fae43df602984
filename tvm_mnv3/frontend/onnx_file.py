"""Reads an ONNX file and refuses what is none."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx
import onnx.inliner
from onnx import ModelProto, TensorProto
from onnx.external_data_helper import uses_external_data

from tvm_mnv3.errors import InputError
from tvm_mnv3.frontend.foreign import first_line, quiet


def read_onnx(path: Path) -> ModelProto:
    """The model in `path`, weights in files beside it included, local functions inlined.

    Raises
    ------
    InputError
        The file is unreadable, truncated, no ONNX model, or not a valid one.
    """
    try:
        # Without the format, onnx would guess one from the file's suffix.
        model = onnx.load(path, format="protobuf")
    except Exception as error:  # protobuf, the operating system and onnx's external data each have their own
        raise InputError(f"{path.name} is not a readable ONNX file, or is truncated: {first_line(error)}") from error
    if not model.graph.output:
        raise InputError(f"{path.name} is not a readable ONNX file, or is truncated: it has no graph with an output.")
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    return model


def check_valid(model: ModelProto, file: str) -> None:
    """Raise an `InputError` unless onnx's own checker accepts `model`."""
    checked = ModelProto()
    checked.CopyFrom(model)
    # The checker wants a shape where every runtime can do without.
    for value in (*checked.graph.input, *checked.graph.output):
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.shape.SetInParent()
    try:
        with quiet():
            onnx.checker.check_model(checked)
    except Exception as error:
        raise InputError(f"{file} is not a valid ONNX model: {first_line(error)}") from error


def sha256(path: Path) -> str:
    """Of the file, followed by the external files that hold its weights, sorted by name."""
    digest = hashlib.sha256(path.read_bytes())
    for name in sorted(_external_files(path)):
        digest.update((path.parent / name).read_bytes())
    return digest.hexdigest()


def _external_files(path: Path) -> set[str]:
    model = onnx.load(path, format="protobuf", load_external_data=False)
    tensors: list[TensorProto] = [tensor for tensor in model.graph.initializer if uses_external_data(tensor)]
    return {entry.value for tensor in tensors for entry in tensor.external_data if entry.key == "location"}
