"""The layers with weights of an exported program."""

from __future__ import annotations

from torch.export import ExportedProgram

from tvm_mnv3.source_layer import SourceLayer

_OPERATORS = ("aten.conv2d", "aten.convolution", "aten.linear")


def torch_layers(program: ExportedProgram) -> tuple[SourceLayer, ...]:
    """Every convolution and linear layer whose weight is a parameter, in the program's order."""
    parameters = {**program.graph_signature.inputs_to_parameters, **program.graph_signature.inputs_to_buffers}
    layers = []
    for node in program.graph.nodes:
        if node.op != "call_function" or not str(node.target).startswith(_OPERATORS):
            continue
        parameter = parameters.get(getattr(node.args[1], "name", ""))
        if parameter is not None:
            weight = program.state_dict[parameter].detach().cpu().float().numpy()
            layers.append(SourceLayer(parameter.rpartition(".")[0] or parameter, node.name, weight))
    return tuple(layers)
