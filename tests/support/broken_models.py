"""A trained ONNX network, broken on purpose in one place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, numpy_helper


def with_hard_sigmoid(model: Path, out: Path, place: int) -> str:
    """One hard-swish becomes a hard-sigmoid; the name of the layer whose activation it is.

    Parameters
    ----------
    place
        Which of the hard-swishes, from 0.
    """
    network = onnx.load(model)
    node = [node for node in network.graph.node if node.op_type == "HardSwish"][place]
    node.CopyFrom(onnx.helper.make_node("HardSigmoid", node.input, node.output, alpha=1 / 6, beta=0.5))
    onnx.save(network, out)
    return _layer_name(_maker(network, node.input[0]))


def with_transposed_weight(model: Path, out: Path, place: int) -> str:
    """One square 1x1 convolution has its weight transposed; the layer's name.

    Parameters
    ----------
    place
        Which of the square ones, from 0.
    """
    network = onnx.load(model)
    weights = {tensor.name: tensor for tensor in network.graph.initializer}
    square = [node for node in network.graph.node if node.op_type == "Conv" and _is_square(weights[node.input[1]].dims)]
    node = square[place]
    weight = numpy_helper.to_array(weights[node.input[1]])
    turned = np.ascontiguousarray(weight.transpose(1, 0, 2, 3))
    weights[node.input[1]].CopyFrom(numpy_helper.from_array(turned, node.input[1]))
    onnx.save(network, out)
    return _layer_name(node)


def _is_square(dims: list[int]) -> bool:
    return dims[0] == dims[1] > 1 and dims[2] == dims[3] == 1


def _maker(network: ModelProto, value: str) -> NodeProto:
    return next(node for node in network.graph.node if value in node.output)


def _layer_name(node: NodeProto) -> str:
    return node.name or f"{node.op_type} {node.output[0]}"
