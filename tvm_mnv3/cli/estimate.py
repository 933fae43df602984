"""``tvm-mnv3 estimate``: what a bundle costs on an ARM core, counted and modelled without one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tvm_mnv3.cli.options import DebugOption
from tvm_mnv3.cli.outcome import reporting

if TYPE_CHECKING:
    from tvm_mnv3.estimate import Estimate


def estimate_command(
    bundle: Annotated[Path, typer.Argument(help="The folder that `tvm-mnv3 compile` wrote.", show_default=False)],
    core: Annotated[
        str | None,
        typer.Option(help="The ARM core (see `tvm-mnv3 targets`).  [default: the one that the bundle is compiled for]"),
    ] = None,
    cache_sizes: Annotated[
        str, typer.Option(metavar="SIZE/WAYS,...", help="The data caches to simulate, the nearest first.")
    ] = "64K/4,512K/8,2M/16",
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the estimate to this file.")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="How many kernels to print.  [default: all]")] = None,
    debug: DebugOption = False,
) -> None:
    """Estimate one inference on an ARM core: exact instructions, modelled cycles, simulated cache misses."""
    with reporting(debug):
        from tvm_mnv3.cli.console import console, show, warning
        from tvm_mnv3.cli.estimate_tables import kernel_table, legend, total_table
        from tvm_mnv3.estimate import estimate, parse_caches

        answer = estimate(bundle, core, parse_caches(cache_sizes))
        if json is not None:
            _write(answer, json)
        out = console()
        title = (
            f"{answer.name}, {answer.precision}, compiled for {answer.compiled_for}: one inference on one {answer.core}"
        )
        show(out, f"{title} (no measurement)", total_table(answer))
        show(out, "kernels, the most expensive first", kernel_table(answer, top))
        out.print()
        out.print(warning(legend(answer)))


def _write(answer: Estimate, file: Path) -> None:
    from tvm_mnv3.codegen.files import replacing

    with replacing(file) as unfinished:
        unfinished.write_text(answer.to_json(), encoding="utf-8")
