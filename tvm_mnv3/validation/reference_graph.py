"""Where in the reference a kernel's output stands.

A kernel holds layers with weights and applies what follows them (batch norm, activation, residual); so its output is
the last value that is made of the layer's output alone, element by element, before anything else reads it. That is
found in the reference's graph, whatever operators its author wrote an activation with.
"""

from __future__ import annotations

from collections.abc import Sequence

from tvm_mnv3.source_layer import window_signature
from tvm_mnv3.validation.reference import ReferenceNode
from tvm_mnv3.workload import Workload

#: Parts of the names of operators that make values of another shape or another meaning.
_NOT_ELEMENTWISE = ("pool", "mean", "softmax", "concat", "cat", "resize", "upsample", "transpose", "permute", "pad")
#: What follows a layer without an activation: a batch norm, a bias on its own, and what changes nothing.
_AFFINE = ("batchnorm", "batch_norm", "identity", "dropout", "flatten", "reshape", "view", "clone", "squeeze")
_SUMS = ("add",)


class ReferenceGraph:
    """The reference's operations, and which of its layers are taken."""

    def __init__(self, nodes: Sequence[ReferenceNode]) -> None:
        self._nodes = nodes
        self._layers = [node for node in nodes if node.layer is not None]
        self._by_name = {node.layer: node for node in self._layers}
        self._taken: set[str] = set()

    def value_of(self, layers: Sequence[str], workload: Workload | None) -> str | None:
        """The name of the reference's value for a kernel's first output; kernels are asked for in their order.

        Parameters
        ----------
        layers
            As the bundle names them. Where the reference has none of those names (the bundle was made from another
            file of the same model), its layers of the same weight shape are taken in order.
        """
        if workload is None or not layers:
            return None
        found = [self._layer(name, signature) for name, signature in zip(layers, _signatures(workload), strict=False)]
        last = found[-1] if len(found) == len(layers) else None
        return self._followed(last, workload) if last is not None else None

    def _layer(self, name: str, signature: tuple[int, ...]) -> ReferenceNode | None:
        node = self._by_name.get(name)
        if node is None or window_signature(node.weight_shape) != signature:
            free = (n for n in self._layers if n.output not in self._taken)
            node = next((n for n in free if window_signature(n.weight_shape) == signature), None)
        if node is not None:
            self._taken.add(node.output)
        return node

    def _followed(self, layer: ReferenceNode, workload: Workload) -> str:
        """The last value made of the layer's output alone, and of one residual where the kernel adds one."""
        region, last, residual_left = {layer.output}, layer.output, "add" in workload.epilogue
        for node in self._nodes:
            inside = [name in region for name in node.inputs]
            if not any(inside) or node.layer is not None or not _continues(node, workload):
                continue
            if not all(inside):
                if not (residual_left and _is(node, _SUMS)):
                    continue
                residual_left = False
            region.add(node.output)
            last = node.output
        return last


def _signatures(workload: Workload) -> list[tuple[int, ...]]:
    """The shapes of the weights of a kernel's layers, in order."""
    channels, outputs = workload.in_channels, workload.out_channels
    if workload.operator == "se":
        return [(outputs, channels, 1, 1), (channels, outputs, 1, 1)]
    per_group = 1 if workload.operator == "depthwise" else channels
    return [(outputs, per_group, workload.kernel, workload.kernel)]


def _continues(node: ReferenceNode, workload: Workload) -> bool:
    if workload.activation is not None:
        return not _is(node, _NOT_ELEMENTWISE)
    # Without an activation an addition of constants could be the beginning of the next layer's hard-swish.
    is_residual = "add" in workload.epilogue and _is(node, _SUMS) and len(node.inputs) == 2
    return is_residual or _is(node, _AFFINE)


def _is(node: ReferenceNode, words: Sequence[str]) -> bool:
    name = node.operator.lower()
    return any(word in name for word in words)
