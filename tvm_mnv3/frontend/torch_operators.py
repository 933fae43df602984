"""Which exported programs TVM's importer takes as they are.

By default it lets PyTorch decompose a program first, which traces it once more: half of the time of an import. That is
needed for operators TVM does not know, and for those that work in place, since the importer does not see that they
change their input. The networks of this family have neither.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import fx
from torch.export import ExportedProgram
from tvm.relax.frontend.torch.base_fx_graph_translator import BaseFXGraphImporter

from tvm_mnv3.compat import Expr, relax

_aten = torch.ops.aten
_BATCH_NORM_ARGUMENTS = 9
#: Operators that TVM 0.27 imports right, batch norm with the converter below.
_TAKEN = frozenset(
    {
        _aten.adaptive_avg_pool2d.default,
        _aten.add.Tensor,
        _aten.batch_norm.default,
        _aten.conv2d.default,
        _aten.dropout.default,
        _aten.flatten.using_ints,
        _aten.hardsigmoid.default,
        _aten.hardswish.default,
        _aten.linear.default,
        _aten.mean.dim,
        _aten.mul.Tensor,
        _aten.pad.default,
        _aten.relu.default,
    }
)


def decomposition_needed(program: ExportedProgram) -> bool:
    """Whether the program holds anything else than what is imported right without."""
    return any(node.op == "call_function" and not _taken(node) for node in program.graph.nodes)


def _taken(node: fx.Node) -> bool:
    """Whether it is one of these, on float32, with nothing that the converters pass over or read otherwise."""
    if node.target not in _TAKEN or node.kwargs or any(isinstance(argument, str) for argument in node.args):
        return False
    if node.target == _aten.batch_norm.default and (len(node.args) != _BATCH_NORM_ARGUMENTS or None in node.args):
        return False
    return bool(node.meta["val"].dtype == torch.float32)


def _batch_norm(node: fx.Node, importer: BaseFXGraphImporter) -> Expr:
    """``aten.batch_norm(x, weight, bias, mean, var, training, momentum, eps, cudnn_enabled)`` in eval mode.

    TVM's own converter reads it as the decomposed operator, which has no `training`: momentum becomes epsilon.
    """
    x, *parameters, _, _, epsilon, _ = node.args
    data, gamma, beta, mean, variance = (importer.env[each] for each in (x, *parameters))
    norm = relax.op.nn.batch_norm(data, gamma, beta, mean, variance, axis=1, epsilon=epsilon, training=False)
    return importer.block_builder.emit(relax.TupleGetItem(importer.block_builder.emit(norm), 0))


#: For `from_exported_program`; a decomposed program has none of these.
CONVERTERS: dict[str, Any] = {"batch_norm.default": _batch_norm}
