"""An exported program (.pt2) becomes an `ImportedModel`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree

from tvm_mnv3.errors import InputError
from tvm_mnv3.frontend.exported_program import to_relax, user_inputs
from tvm_mnv3.frontend.foreign import first_line, quiet
from tvm_mnv3.frontend.imported import ImportedModel, Provenance
from tvm_mnv3.frontend.naming import c_identifier
from tvm_mnv3.frontend.pt2_archive import read_pt2
from tvm_mnv3.frontend.static_shapes import fix_shapes
from tvm_mnv3.frontend.torch_layers import torch_layers


def import_pt2(path: Path, *, batch: int = 1, input_shapes: Mapping[str, Sequence[int]] | None = None) -> ImportedModel:
    """Import a file of ``torch.export.save``, weights as constants, all shapes static.

    Parameters
    ----------
    batch
        What a dynamic first dimension of an input becomes; a fixed one must equal it.
    input_shapes
        Whole shapes for inputs that have other dynamic dimensions.

    Raises
    ------
    InputError
        No exported program, an operator that TVM cannot import, a dynamic shape, a batch size that is fixed at
        another value.
    """
    program = read_pt2(path)
    inputs = user_inputs(program, path.name)
    declared = {
        name: [extent if isinstance(extent, int) else str(extent) for extent in tensor.shape]
        for name, tensor in inputs.items()
    }
    shapes = fix_shapes(path.name, declared, batch, input_shapes)
    if any(isinstance(extent, str) for shape in declared.values() for extent in shape):
        program = _with_static_shapes(program, path.name, shapes, inputs)
    module, input_specs, output_specs = to_relax(program, path.name, list(inputs))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ImportedModel(
        name=c_identifier(path.stem),
        module=module,
        inputs=input_specs,
        outputs=output_specs,
        provenance=Provenance(source=path.name, format="pt2", weights=path.name, weights_sha256=digest),
        layers=torch_layers(program),
    )


def _with_static_shapes(
    program: ExportedProgram,
    file: str,
    shapes: Mapping[str, tuple[int, ...]],
    inputs: Mapping[str, torch.Tensor],
) -> ExportedProgram:
    """`program` exported again for inputs of these shapes."""
    flat = [torch.zeros(shapes[name], dtype=tensor.dtype) for name, tensor in inputs.items()]
    try:
        with quiet(), torch.no_grad():
            arguments, keywords = _pytree.tree_unflatten(flat, program.call_spec.in_spec)
            return torch.export.export(program.module(), arguments, keywords)
    except Exception as error:  # whatever the program's own checks of its input raise comes through here
        wanted = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
        raise InputError(f"{file}: cannot be fixed to the shapes {wanted}: {first_line(error)}") from error
