"""What a device needs to know of a bundle: the part of ``model.json`` that says how to call its library."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tvm_mnv3.codegen.inspect_elf import inspect_shared_library
from tvm_mnv3.errors import InputError
from tvm_mnv3.tensor_spec import TensorSpec


@dataclass(frozen=True)
class CallableModel:
    """A library and how to call it.

    Parameters
    ----------
    prefix
        Of its functions.
    library
        Its file.
    machine
        What it runs on, as its ELF header says: ``aarch64``, ``x86_64``.
    """

    prefix: str
    library: Path
    machine: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def read_model(bundle: Path) -> CallableModel:
    """Read a bundle's ``model.json`` and the header of its library.

    Raises
    ------
    InputError
        The folder is no bundle, or a broken one.
    """
    file = bundle / "model.json"
    if not file.is_file():
        raise InputError(f"{bundle} is not a bundle: it has no model.json. Make one with `tvm-mnv3 compile`.")
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        library = bundle / manifest["library"]
        return CallableModel(
            prefix=manifest["prefix"],
            library=library.absolute(),
            machine=inspect_shared_library(library).machine,
            inputs=_tensors(manifest["inputs"]),
            outputs=_tensors(manifest["outputs"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"The bundle {bundle} is broken: {reason}. Compile the model again.") from error


def _tensors(entries: list[dict[str, object]]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(str(e["name"]), tuple(map(int, e["shape"])), str(e["dtype"])) for e in entries)  # type: ignore[call-overload]
