"""Computes what an ONNX graph computes from constants alone, most of all its shapes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, numpy_helper
from onnx.reference import ReferenceEvaluator

from tvm_mnv3.frontend.foreign import quiet

#: Nodes that stay although their inputs are constant: random ones, and those that quantize a tensor.
KEPT = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
    | {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"}
)

Array = NDArray[np.generic]


def fix_inputs(model: ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Write static shapes into the graph's inputs, and forget what the file says of all other shapes."""
    for value in model.graph.input:
        if value.name in shapes:
            value.type.tensor_type.shape.Clear()
            for extent in shapes[value.name]:
                value.type.tensor_type.shape.dim.add().dim_value = extent
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]


def fold_constants(model: ModelProto) -> None:
    """Replace, in place, every node whose result is known before the network runs by an initializer.

    `model` has static input shapes (`fix_inputs`), so that every ``Shape`` of a tensor whose shape can be
    inferred is such a node. What was folded can make more shapes known, so both are repeated until nothing
    changes.
    """
    while True:
        shapes = _inferred_shapes(model)
        if not _fold_once(model.graph, shapes, model.opset_import):
            return


def _inferred_shapes(model: ModelProto) -> dict[str, tuple[int, ...]]:
    """The shapes of all values whose shape is static."""
    try:
        with quiet():
            graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except onnx.shape_inference.InferenceError:  # shapes that contradict: the importer names the node
        return {}
    shapes: dict[str, tuple[int, ...]] = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor = value.type.tensor_type
        if tensor.HasField("shape") and all(dim.HasField("dim_value") for dim in tensor.shape.dim):
            shapes[value.name] = tuple(dim.dim_value for dim in tensor.shape.dim)
    return shapes


def _fold_once(graph: GraphProto, shapes: Mapping[str, tuple[int, ...]], opsets: object) -> bool:
    known: dict[str, Array] = {}
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    kept: list[NodeProto] = []
    for node in graph.node:
        results = _evaluate(node, known, initializers, shapes, opsets)
        if results is None:
            kept.append(node)
        else:
            known.update(zip(node.output, results, strict=False))
    folded = len(kept) < len(graph.node)
    used = {name for node in kept for name in node.input} | {output.name for output in graph.output}
    graph.initializer.extend(numpy_helper.from_array(known[name], name) for name in known if name in used)
    del graph.node[:]
    graph.node.extend(kept)
    return folded


def _evaluate(
    node: NodeProto,
    known: Mapping[str, Array],
    initializers: Mapping[str, onnx.TensorProto],
    shapes: Mapping[str, tuple[int, ...]],
    opsets: object,
) -> list[Array] | None:
    """The values of `node`'s outputs, or None where they are not known yet."""
    if node.domain not in ("", "ai.onnx") or node.op_type in KEPT:
        return None
    if node.op_type == "Shape" and node.input[0] in shapes:
        # The values do not matter, and a broadcast zero takes no memory.
        inputs: dict[str, Array] = {node.input[0]: np.broadcast_to(np.float32(0), shapes[node.input[0]])}
    else:
        names = {name for name in node.input if name}
        if not names <= known.keys() | initializers.keys():
            return None
        inputs = {name: known[name] if name in known else numpy_helper.to_array(initializers[name]) for name in names}
    return _run(node, inputs, opsets)


def _run(node: NodeProto, inputs: Mapping[str, Array], opsets: object) -> list[Array] | None:
    """`node` by onnx's reference; None where that has no implementation, or it fails."""
    values = [onnx.helper.make_value_info(name, onnx.TypeProto()) for name in inputs]
    outputs = [onnx.helper.make_value_info(name, onnx.TypeProto()) for name in node.output if name]
    graph = onnx.helper.make_graph([node], "constant", values, outputs)
    try:
        with quiet(), np.errstate(all="ignore"):
            model = onnx.helper.make_model(graph, opset_imports=opsets)
            results = ReferenceEvaluator(model).run(None, dict(inputs))
    except Exception:  # the importer may still know this node; if not, it says so
        return None
    return [np.asarray(result) for result in results]
