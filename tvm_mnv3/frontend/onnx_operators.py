"""Which ONNX operators can be imported, and the nodes that cannot."""

from __future__ import annotations

import onnx
from onnx import ModelProto, NodeProto

# Not through tvm_mnv3.compat, with which every user of TVM would wait for onnx.
from tvm.relax.frontend.onnx.onnx_frontend import _get_convert_map

from tvm_mnv3.errors import InputError

#: TVM's importer takes these, but what they make is no tensor or depends on data, which `main` may not.
NO_STATIC_TENSOR = frozenset(
    {
        "If",
        "Loop",
        "Scan",
        "Optional",
        "OptionalGetElement",
        "OptionalHasElement",
        "NonZero",
        "Unique",
        "Compress",
    }
    | {
        "SequenceConstruct",
        "SequenceEmpty",
        "SequenceErase",
        "SequenceInsert",
        "SequenceLength",
        "SequenceAt",
    }
    | {"ConcatFromSequence", "SplitToSequence"}
)


def check_supported(model: ModelProto, file: str) -> None:
    """Raise an `InputError` that names every unsupported operator with its first node."""
    supported = frozenset(_get_convert_map()) - NO_STATIC_TENSOR
    nodes: dict[str, str] = {}
    for index, node in enumerate(model.graph.node):
        if not _is_supported(node, supported):
            kind = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
            nodes.setdefault(kind, describe(node, index))
    if nodes:
        listed = ", ".join(f"{kind} ({where})" for kind, where in nodes.items())
        kind, them = ("operators", "them") if len(nodes) > 1 else ("operator", "it")
        raise InputError(f"{file}: unsupported {kind} {listed}; export the network without {them}.")


def check_inference(model: ModelProto, file: str) -> None:
    """Raise an `InputError` for a network that was exported in training mode."""
    for index, node in enumerate(model.graph.node):
        if node.op_type != "BatchNormalization":
            continue
        if len(node.output) > 1 or any(a.name == "training_mode" and a.i for a in node.attribute):
            where = f"{file}: BatchNormalization ({describe(node, index)})"
            raise InputError(f"{where} is in training mode; export the network in eval mode.")


def describe(node: NodeProto, index: int) -> str:
    """What to call a node in a message: its name, or its place in the file and its output."""
    output = node.output[0] if node.output else "?"
    return f"node {node.name!r}" if node.name else f"node {index}, output {output!r}"


def _is_supported(node: NodeProto, supported: frozenset[str]) -> bool:
    if node.domain in ("", "ai.onnx"):
        return node.op_type in supported
    # TVM looks at the type only, so of a foreign domain take just what ONNX itself does not define.
    return node.domain == "com.microsoft" and node.op_type in supported and not onnx.defs.has(node.op_type)
