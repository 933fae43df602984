"""TVM's ONNX importer with this project's spelling of a few operators, and with the node in its errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from onnx import ModelProto

# Not through tvm_mnv3.compat, with which every user of TVM would wait for onnx.
from tvm.relax.frontend.onnx.onnx_frontend import ONNXGraphImporter

from tvm_mnv3.compat import IRModule, relax, tvm
from tvm_mnv3.errors import InputError
from tvm_mnv3.frontend.foreign import first_line, quiet


def to_relax(model: ModelProto, file: str) -> IRModule:
    """Import a model that was checked, with static input shapes.

    Raises
    ------
    InputError
        Names the node that TVM's importer cannot convert.
    """
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 1)
    importer = _Importer(file)
    try:
        with quiet():
            module = importer.from_onnx(model.graph, opset)
    except InputError:
        raise
    except Exception as error:  # TVM's importer raises whatever its converters happen to meet
        raise InputError(f"{file}: cannot import {importer.where}: {first_line(error)}") from error
    # Says how many parameters are inputs; here all are.
    module["main"] = module["main"].without_attr("num_input")
    return module


class _Importer(ONNXGraphImporter):  # type: ignore[misc]
    """Differs from TVM's importer where that one makes something no pass can recognise.

    TVM writes ``Clip`` as two TensorIR functions around a test for NaN bounds, and keeps ``Dropout``.
    """

    def __init__(self, file: str) -> None:
        super().__init__(shape_dict={}, dtype_dict={}, keep_params_in_input=False)
        self.file = file
        #: What is being imported, for messages.
        self.where = "the graph"

    def _convert_operator(self, op_name: str, inputs: Any, attrs: dict[str, Any], opset: int) -> Any:
        self.where = f"{op_name} (node {attrs['tvm_custom']['name']!r})"
        if op_name == "Clip":
            bounds = _clip_bounds(inputs, attrs, opset)
            if bounds is not None:
                return self.bb.normalize(relax.op.clip(inputs[0], *bounds))
        if op_name == "Dropout":
            return _dropout(inputs[0], attrs["tvm_custom"]["num_outputs"])
        return super()._convert_operator(op_name, inputs, attrs, opset)


def _clip_bounds(inputs: Any, attrs: dict[str, Any], opset: int) -> tuple[float, float] | None:
    """Lower and upper bound of a float ``Clip``, or None where a bound is no constant or the two cross.

    Bounds are attributes up to opset 10 and inputs from opset 11 on; what is missing, or NaN, does not bound.
    """
    if not str(inputs[0].ty.dtype).startswith("float"):
        return None
    bounds: list[float] = []
    for index, (name, unbounded) in enumerate((("min", -math.inf), ("max", math.inf)), start=1):
        if opset < 11:
            bound = float(attrs.get(name, unbounded))
        elif inputs[index] is None:
            bound = unbounded
        elif isinstance(inputs[index], tvm.ir.GenericConst):
            bound = float(np.asarray(inputs[index].value.numpy()).reshape(()))
        else:
            return None
        bounds.append(unbounded if math.isnan(bound) else bound)
    # Crossing bounds give the upper one in ONNX, the lower one in Relax.
    return (bounds[0], bounds[1]) if bounds[0] <= bounds[1] else None


def _dropout(data: Any, num_outputs: int) -> Any:
    """Inference keeps every value, so the data is the result, and the mask, where asked for, is all true."""
    if num_outputs == 1:
        return data
    shape = [int(extent) for extent in data.ty.shape.values]
    return relax.Tuple([data, relax.const(np.ones(shape, "bool"))])
