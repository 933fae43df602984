"""An ONNX file as reference, run by ONNX Runtime."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

from tvm_mnv3.errors import EnvironmentProblem, InputError
from tvm_mnv3.frontend.foreign import first_line
from tvm_mnv3.frontend.onnx_file import read_onnx
from tvm_mnv3.frontend.onnx_layers import onnx_layers
from tvm_mnv3.validation.reference import Array, ReferenceNode, as_float32, other_input


class OnnxReference:
    """See `tvm_mnv3.validation.reference.Reference`."""

    def __init__(self, file: Path) -> None:
        if importlib.util.find_spec("onnxruntime") is None:
            raise EnvironmentProblem(
                "An ONNX file as reference is run by ONNX Runtime, which is not installed; install it with "
                "`pip install 'tvm-mnv3[validate]'` or `pip install onnxruntime`."
            )
        import onnxruntime

        if not file.is_file():
            raise InputError(f"--reference {file}: no such file.")
        self.name = file.name
        self.framework = f"onnxruntime {onnxruntime.__version__}"
        self._model = read_onnx(file)
        self._session = _session(self._model, file.name)
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise InputError(f"The reference {file.name} takes {len(inputs)} inputs; one picture is expected.")
        self._input = inputs[0]

    def run(self, picture: Array) -> Array:
        (answer, *_) = self._session.run(None, {self._input.name: self._checked(picture)})
        return as_float32(answer)

    def nodes(self) -> Sequence[ReferenceNode]:
        layers = {layer.output: layer for layer in onnx_layers(self._model)}
        constants = {tensor.name for tensor in self._model.graph.initializer}
        found = []
        for node in self._model.graph.node:
            layer = layers.get(node.output[0])
            inputs = tuple(name for name in node.input if name and name not in constants)
            name, shape = (layer.name, layer.weight.shape) if layer is not None else (None, ())
            found.append(ReferenceNode(node.output[0], node.op_type, inputs, name, shape))
        return found

    def values(self, picture: Array) -> Mapping[str, Array]:
        names, session = self._open_everywhere
        answers = session.run(names, {self._input.name: self._checked(picture)})
        return {
            name: as_float32(answer)
            for name, answer in zip(names, answers, strict=True)
            if isinstance(answer, np.ndarray) and answer.dtype.kind == "f"
        }

    @cached_property
    def _open_everywhere(self) -> tuple[list[str], Any]:
        """A session whose outputs are all values of the graph."""
        model = ModelProto()
        model.CopyFrom(self._model)
        names = [name for node in model.graph.node for name in _outputs(node)]
        _add_outputs(model.graph, names)
        return names, _session(model, self.name)

    def _checked(self, picture: Array) -> Array:
        wanted = self._input.shape
        fits = len(wanted) == picture.ndim and all(
            not isinstance(extent, int) or extent == given for extent, given in zip(wanted, picture.shape, strict=True)
        )
        if not fits:
            raise other_input(self.name, wanted, picture)
        return picture


def _outputs(node: NodeProto) -> list[str]:
    return [name for name in node.output if name]


def _add_outputs(graph: GraphProto, names: Sequence[str]) -> None:
    present = {output.name for output in graph.output}
    graph.output.extend(ValueInfoProto(name=name) for name in names if name not in present)


def _session(model: ModelProto, name: str) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
        )
    except Exception as error:  # onnxruntime raises a kind of its own for every failure
        raise InputError(f"ONNX Runtime cannot run the reference {name}: {first_line(error)}") from error
