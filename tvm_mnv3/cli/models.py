"""``tvm-mnv3 models``: the networks that have a name."""

from __future__ import annotations

from tvm_mnv3.cli.options import DebugOption
from tvm_mnv3.cli.outcome import reporting


def models_command(debug: DebugOption = False) -> None:
    """List the models that `compile` knows by name."""
    with reporting(debug):
        from tvm_mnv3.cli.console import console, in_millions, listing
        from tvm_mnv3.models.registry import model_entries

        rows = []
        for entry in model_entries():
            counts = entry.counts(height=entry.input_size, width=entry.input_size)
            rows.append(
                (
                    entry.name,
                    entry.family,
                    in_millions(counts.parameters),
                    in_millions(counts.multiply_adds),
                    entry.published.label if entry.published else "-",
                )
            )
        columns = ("model", "family", "params", "MACs", "pretrained")
        out = console()
        out.print(listing(columns, rows, numbers=columns[2:4]))
        out.print("With 1000 classes, at 224 x 224.")
