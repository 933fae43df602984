"""The layers with weights of an ONNX graph."""

from __future__ import annotations

from onnx import ModelProto, NodeProto, numpy_helper

from tvm_mnv3.source_layer import SourceLayer


def onnx_layers(model: ModelProto) -> tuple[SourceLayer, ...]:
    """Every convolution and matrix product whose weights are an initializer, in the graph's order."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    layers = []
    for node in model.graph.node:
        if node.op_type not in ("Conv", "Gemm", "MatMul") or node.input[1] not in constants:
            continue
        weight = numpy_helper.to_array(constants[node.input[1]])
        if node.op_type != "Conv" and not _is_outputs_first(node):
            weight = weight.T
        layers.append(SourceLayer(_name(node), node.output[0], weight))
    return tuple(layers)


def _name(node: NodeProto) -> str:
    """Many exporters leave nodes without a name; a value always has one."""
    return str(node.name or f"{node.op_type} {node.output[0]}")


def _is_outputs_first(node: NodeProto) -> bool:
    """Whether a matrix product takes its weights transposed, as ``Gemm`` with ``transB`` does."""
    return any(attribute.name == "transB" and attribute.i == 1 for attribute in node.attribute)
