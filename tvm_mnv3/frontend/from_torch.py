"""A PyTorch module becomes an `ImportedModel`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from tvm_mnv3.errors import InputError
from tvm_mnv3.frontend.exported_program import to_relax
from tvm_mnv3.frontend.foreign import first_line, quiet
from tvm_mnv3.frontend.imported import ImportedModel, Preprocessing, Provenance, TensorSpec
from tvm_mnv3.frontend.naming import c_identifier
from tvm_mnv3.frontend.torch_layers import torch_layers


def import_torch(
    module: torch.nn.Module,
    inputs: Sequence[TensorSpec],
    *,
    name: str,
    provenance: Provenance | None = None,
    labels: tuple[str, ...] | None = None,
    preprocessing: Preprocessing | None = None,
) -> ImportedModel:
    """Trace `module` in eval mode and import it, weights as constants.

    Parameters
    ----------
    module
        On the CPU. Its mode (train or eval) is put back afterwards.
    inputs
        One spec per positional argument of ``forward``, batch included in the shapes.
    name
        Made a C identifier for the model's name.
    provenance
        Default: `name`, format ``torch``, weights ``module``.

    Raises
    ------
    InputError
        torch.export or TVM's importer cannot take the module.
    """
    examples = tuple(torch.zeros(spec.shape, dtype=_torch_dtype(spec)) for spec in inputs)
    try:
        with _eval_mode(module), quiet(), torch.no_grad():
            program = torch.export.export(module, examples)
    except Exception as error:  # whatever the module's own forward raises comes through here
        shapes = ", ".join(f"{spec.name} {list(spec.shape)} {spec.dtype}" for spec in inputs)
        raise InputError(f"{name}: torch.export failed for inputs {shapes}: {first_line(error)}") from error
    imported, input_specs, output_specs = to_relax(program, name, [spec.name for spec in inputs])
    return ImportedModel(
        name=c_identifier(name),
        module=imported,
        inputs=input_specs,
        outputs=output_specs,
        provenance=provenance or Provenance(source=name, format="torch", weights="module"),
        labels=labels,
        preprocessing=preprocessing,
        layers=torch_layers(program),
    )


def _torch_dtype(spec: TensorSpec) -> torch.dtype:
    dtype = getattr(torch, spec.dtype, None)
    if not isinstance(dtype, torch.dtype):
        raise InputError(f"input {spec.name!r}: PyTorch has no dtype {spec.dtype!r}.")
    return dtype


@contextmanager
def _eval_mode(module: torch.nn.Module) -> Iterator[None]:
    """`module` in eval mode for a while; every submodule's own mode is put back."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
