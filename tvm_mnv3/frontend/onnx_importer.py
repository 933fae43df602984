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

    TVM writes ``Clip`` as two TensorIR functions around a test for NaN bounds and ``Pad`` as one, and keeps
    ``Dropout``.
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
        if op_name == "Pad":
            padding = _constant_padding(inputs, attrs, opset)
            if padding is not None:
                widths, value = padding
                return self.bb.normalize(relax.op.nn.pad(inputs[0], widths, pad_value=value))
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


def _constant_padding(inputs: Any, attrs: dict[str, Any], opset: int) -> tuple[list[int], float] | None:
    """Widths before and after each axis, and the value, of a ``Pad`` with a constant on all axes; None for any other.

    Widths and value are attributes up to opset 10 and inputs from opset 11 on.
    """
    if attrs.get("mode", b"constant") not in (b"constant", "constant"):
        return None
    if opset < 11:
        pads, value = attrs.get("pads"), float(attrs.get("value", 0.0))
    else:
        given = [inputs[index] if index < len(inputs) else None for index in (1, 2, 3)]
        if not isinstance(given[0], tvm.ir.GenericConst) or given[2] is not None:
            return None
        if given[1] is not None and not isinstance(given[1], tvm.ir.GenericConst):
            return None
        pads = given[0].value.numpy().tolist()
        value = 0.0 if given[1] is None else float(np.asarray(given[1].value.numpy()).reshape(()))
    rank = len(inputs[0].ty.shape.values)
    if pads is None or len(pads) != 2 * rank or not math.isfinite(value) or min(pads) < 0:
        return None
    return [int(width) for axis in range(rank) for width in (pads[axis], pads[axis + rank])], value


def _dropout(data: Any, num_outputs: int) -> Any:
    """Inference keeps every value, so the data is the result, and the mask, where asked for, is all true."""
    if num_outputs == 1:
        return data
    shape = [int(extent) for extent in data.ty.shape.values]
    return relax.Tuple([data, relax.const(np.ones(shape, "bool"))])
