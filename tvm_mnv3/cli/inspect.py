"""``tvm-mnv3 inspect``: what is in a bundle, a model file or a named model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tvm_mnv3.cli.options import DebugOption, InputShapeOption, parse_input_shapes
from tvm_mnv3.cli.outcome import reporting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table


def inspect_command(
    what: Annotated[
        str,
        typer.Argument(
            metavar="BUNDLE|MODEL", help="A bundle's folder, a model file, or a model's name.", show_default=False
        ),
    ],
    batch: Annotated[int, typer.Option(min=1, help="Of a model file that leaves the batch size open.")] = 1,
    input_shape: InputShapeOption = None,
    debug: DebugOption = False,
) -> None:
    """Show what is in a bundle, a model file or a named model."""
    with reporting(debug):
        from tvm_mnv3.cli.console import console, show, warning

        note, tables = _tables(what, batch, parse_input_shapes(input_shape))
        out = console()
        if note is not None:
            out.print(warning(note))
        for title, table in tables:
            show(out, title, table)


def _tables(
    what: str, batch: int, input_shapes: Mapping[str, Sequence[int]]
) -> tuple[str | None, list[tuple[str, Table]]]:
    """The note that must be seen, and the tables with their titles."""
    from tvm_mnv3.source import is_file

    if Path(what).is_dir():
        from tvm_mnv3.cli.bundle_tables import manifest_tables
        from tvm_mnv3.codegen.bundle import open_bundle

        bundle = open_bundle(what)
        return bundle.manifest.provenance.get("note"), manifest_tables(bundle)
    if is_file(what):
        from tvm_mnv3.cli.model_tables import file_tables
        from tvm_mnv3.describe import describe_file

        return None, file_tables(describe_file(Path(what), batch=batch, input_shapes=input_shapes))
    from tvm_mnv3.cli.model_tables import named_tables
    from tvm_mnv3.models.registry import find_model

    return None, named_tables(find_model(what))
