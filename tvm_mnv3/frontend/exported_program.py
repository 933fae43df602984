"""An exported program of static shapes becomes a Relax module: shared by `from_torch` and `from_exported`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.utils import _pytree

# Not through tvm_mnv3.compat, with which every user of TVM would wait for PyTorch.
from tvm.relax.frontend.torch import from_exported_program

from tvm_mnv3.compat import IRModule
from tvm_mnv3.errors import InputError
from tvm_mnv3.frontend import main_function
from tvm_mnv3.frontend.foreign import first_line, quiet
from tvm_mnv3.frontend.imported import TensorSpec
from tvm_mnv3.frontend.naming import c_identifier
from tvm_mnv3.frontend.torch_operators import CONVERTERS, decomposition_needed


def to_relax(
    program: ExportedProgram, source: str, input_names: Sequence[str] | None = None
) -> tuple[IRModule, tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Import `program` with its weights as constants.

    Parameters
    ----------
    program
        Exported in eval mode, every shape static.
    source
        What error messages call the program: a file's or a network's name.
    input_names
        What to call the inputs, in order; by default the names of ``forward``'s arguments.

    Returns
    -------
    tuple
        The module, whose ``main`` has exactly the inputs as parameters, the inputs and the outputs.

    Raises
    ------
    InputError
        The program trains, takes or returns something else than tensors, or has an operator unknown to TVM.
    """
    _check_inference(program, source)
    inputs = user_inputs(program, source)
    _check_outputs(program, source)
    try:
        with quiet(), torch.no_grad():
            module = from_exported_program(
                program,
                keep_params_as_input=False,
                unwrap_unit_return_tuple=True,
                custom_convert_map=CONVERTERS,
                run_ep_decomposition=decomposition_needed(program),
            )
    except Exception as error:  # TVM's importer raises whatever its converters happen to meet
        raise InputError(f"{source}: cannot import the exported program: {first_line(error)}") from error
    module = main_function.tidy(module)
    main_function.check_static(module, source)
    return (
        module,
        main_function.input_specs(module, input_names or list(inputs)),
        main_function.output_specs(module, _output_names(program)),
    )


def _check_inference(program: ExportedProgram, source: str) -> None:
    """Raise for a program that was exported in training mode: its batch norms would take the batch's mean."""
    for node in program.graph.nodes:
        if node.op != "call_function":
            continue
        schema = getattr(node.target, "_schema", None)
        if schema is None:
            continue
        for position, argument in enumerate(schema.arguments):
            if argument.name not in ("train", "training"):
                continue
            value = node.args[position] if position < len(node.args) else node.kwargs.get(argument.name)
            if value is True:
                raise InputError(
                    f"{source}: node {node.name!r} ({schema.name}) was exported in training mode; "
                    "call eval() on the module before torch.export."
                )


def user_inputs(program: ExportedProgram, source: str) -> dict[str, torch.Tensor]:
    """The inputs that are no weights, in order, each as the fake tensor that it was traced with.

    Raises
    ------
    InputError
        Names the input that is not a tensor.
    """
    placeholders = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    inputs: dict[str, torch.Tensor] = {}
    for spec in program.graph_signature.input_specs:
        if spec.kind is InputKind.USER_INPUT:
            node = placeholders.get(spec.arg.name)
            value = node.meta.get("val") if node is not None else None
            if not isinstance(value, torch.Tensor):
                raise InputError(
                    f"{source}: input {spec.arg.name!r} is not a tensor; make it a constant of the module."
                )
            inputs[spec.arg.name] = value
    return inputs


def _check_outputs(program: ExportedProgram, source: str) -> None:
    """Raise unless all outputs are tensors."""
    known = {node.name for node in program.graph.nodes}
    for name in program.graph_signature.user_outputs:
        if name not in known:
            raise InputError(f"{source}: output {name!r} is not a tensor; return tensors only.")


def _output_names(program: ExportedProgram) -> list[str]:
    """``output`` for one tensor, ``output0``... for a tuple, the keys of a dictionary."""
    count = len(program.graph_signature.user_outputs)
    tree = _pytree.tree_unflatten(list(range(count)), program.call_spec.out_spec)
    if count == 1 and not isinstance(tree, Mapping):
        return ["output"]
    paths = [path for path, _ in _pytree.tree_flatten_with_path(tree)[0]]
    names = ["_".join(str(getattr(key, "key", getattr(key, "idx", key))) for key in path) for path in paths]
    return [f"output{name}" if name[0].isdigit() else c_identifier(name) for name in names]
