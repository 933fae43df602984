"""A PyTorch model as reference: a named one, a ``.pt2`` file or a module, as an exported program that PyTorch runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram

from tvm_mnv3.codegen.bundle import Bundle
from tvm_mnv3.errors import InputError
from tvm_mnv3.frontend.exported_program import user_inputs
from tvm_mnv3.frontend.foreign import first_line, quiet
from tvm_mnv3.frontend.pt2_archive import read_pt2
from tvm_mnv3.frontend.torch_layers import torch_layers
from tvm_mnv3.models import build_model, find_model
from tvm_mnv3.models.weights import load_weights
from tvm_mnv3.validation.reference import Array, ReferenceNode, as_float32, other_input

_RANDOM = re.compile(r"random \(seed (\d+)\)")


class TorchReference:
    """See `tvm_mnv3.validation.reference.Reference`."""

    def __init__(self, name: str, program: ExportedProgram) -> None:
        self.name = name
        self.framework = f"torch {torch.__version__}"
        self._program = program
        inputs = user_inputs(program, name)
        if len(inputs) != 1:
            raise InputError(f"The reference {name} takes {len(inputs)} inputs; one picture is expected.")
        (tensor,) = inputs.values()
        self._shape = list(tensor.shape)
        with quiet():
            self._module = program.module()

    def run(self, picture: Array) -> Array:
        with torch.no_grad():
            answer = self._module(self._checked(picture))
        first = next(iter(answer.values())) if isinstance(answer, Mapping) else answer
        return as_float32((first[0] if isinstance(first, (tuple, list)) else first).numpy())

    def nodes(self) -> Sequence[ReferenceNode]:
        layers = {layer.output: layer for layer in torch_layers(self._program)}
        constants = {
            node.name
            for node in self._program.graph.nodes
            if node.op == "placeholder" and node.name not in self._program.graph_signature.user_inputs
        }
        found = []
        for node in self._program.graph.nodes:
            if node.op != "call_function":
                continue
            layer = layers.get(node.name)
            inputs = tuple(each.name for each in node.all_input_nodes if each.name not in constants)
            name, shape = (layer.name, layer.weight.shape) if layer is not None else (None, ())
            found.append(ReferenceNode(node.name, str(node.target), inputs, name, shape))
        return found

    def values(self, picture: Array) -> Mapping[str, Array]:
        recorder = _Recorder(self._module)
        with torch.no_grad():
            recorder.run(self._checked(picture))
        return recorder.values

    def _checked(self, picture: Array) -> torch.Tensor:
        fits = len(self._shape) == picture.ndim and all(
            not isinstance(extent, int) or extent == given
            for extent, given in zip(self._shape, picture.shape, strict=True)
        )
        if not fits:
            raise other_input(self.name, self._shape, picture)
        return torch.from_numpy(picture)


class _Recorder(torch.fx.Interpreter):
    """Runs a program node by node and keeps a copy of every float value, as it is when it is made."""

    def __init__(self, module: torch.fx.GraphModule) -> None:
        super().__init__(module)
        self.values: dict[str, Array] = {}

    def run_node(self, n: torch.fx.Node) -> Any:
        value = super().run_node(n)
        if n.op == "call_function" and isinstance(value, torch.Tensor) and value.is_floating_point():
            # A copy: an operator in place may change it later.
            self.values[n.name] = value.detach().float().numpy().copy()
        return value


def named_reference(name: str, bundle: Bundle, weights: str | Path | None) -> TorchReference:
    """The named model, with the weights that are given or that the bundle says it has."""
    entry = find_model(name)
    module = build_model(name, num_classes=bundle.manifest.outputs[0].shape[-1])
    said = str(bundle.manifest.provenance["weights"])
    seeded = _RANDOM.fullmatch(said)
    if weights is not None:
        load_weights(module, entry, weights)
    elif seeded:
        load_weights(module, entry, "random", seed=int(seeded[1]))
    elif said == "pretrained":
        load_weights(module, entry, said)
    else:
        raise InputError(
            f"The bundle's weights are of the file {said}; give it to the reference {name} with "
            "--reference-weights FILE."
        )
    return module_reference(module, bundle, name)


def module_reference(module: nn.Module, bundle: Bundle, name: str | None = None) -> TorchReference:
    """A module, traced in evaluation mode for one picture of the bundle's size."""
    known_as = name or type(module).__name__
    shape = (1, *bundle.manifest.inputs[0].shape[1:])
    was_training = module.training
    try:
        with quiet(), torch.no_grad():
            program = torch.export.export(module.eval(), (torch.zeros(shape),))
    except Exception as error:  # whatever the module's own forward raises comes through here
        raise InputError(
            f"The reference {known_as} does not run on an input of {shape}: {first_line(error)}"
        ) from error
    finally:
        module.train(was_training)
    return TorchReference(known_as, program)


def file_reference(file: Path) -> TorchReference:
    """An exported program, read as data."""
    if file.suffix.lower() != ".pt2":
        raise InputError(f"--reference {file}: give the name of a model, an .onnx or a .pt2 file.")
    if not file.is_file():
        raise InputError(f"--reference {file}: no such file.")
    return TorchReference(file.name, read_pt2(file))
