"""``tvm-mnv3 bench``: bundles against each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tvm_mnv3.cli.options import DebugOption
from tvm_mnv3.cli.outcome import reporting
from tvm_mnv3.cli.output_files import check_free, write_text


def bench_command(
    bundles: Annotated[
        list[Path], typer.Argument(help="Folders of bundles; ratios are to the first.", show_default=False)
    ],
    peer: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE.onnx", help="An ONNX file in ONNX Runtime, in the same turns. Once per file."),
    ] = None,
    device: Annotated[str, typer.Option(help="local; an emulated core has no time that counts.")] = "local",
    threads: Annotated[int, typer.Option(min=1, help="How many threads work.")] = 1,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of everyone.")] = 20,
    burst: Annotated[float, typer.Option(min=0.001, help="Seconds of a turn.")] = 0.2,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the result as data.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    debug: DebugOption = False,
) -> None:
    """Time several bundles in turns, with their ratios."""
    with reporting(debug) as interrupts:
        from tvm_mnv3.cli.console import console, listing, show, warning
        from tvm_mnv3.cli.progress import stages
        from tvm_mnv3.report.wording import state_text

        check_free({"--json": json}, force)
        with stages(console(stderr=True)) as clock:
            clock.begin("start")
            from tvm_mnv3.bench import BenchOptions, bench

            def on_stage(stage: str) -> None:
                interrupts.check()
                clock.begin(stage)

            options = BenchOptions(tuple(bundles), tuple(peer or ()), device, threads, rounds, burst)
            found = bench(options, on_stage)
        if json is not None:
            write_text(json, found.to_json())
        # Folders above only where names alone would be the same.
        short = len({Path(entry.name).name for entry in found.entries}) == len(found.entries)
        rows = [
            (
                Path(entry.name).name if short else entry.name,
                entry.runtime,
                f"{entry.median_ms:.3f}",
                f"{entry.p90_ms:.3f}",
                f"{entry.ratio.value:.3f}",
                f"{entry.ratio.low:.3f} to {entry.ratio.high:.3f}",
            )
            for entry in found.entries
        ]
        columns = ("bundle", "runtime", "median ms", "p90", "ratio", "95 % interval")
        out = console()
        title = f"{rounds} rounds on {found.device}, {threads} thread{'s' if threads > 1 else ''}"
        show(out, title, listing(columns, rows, numbers=columns[2:5]))
        out.print(f"Machine: {state_text(found.before)} before; {state_text(found.after)} after.")
        for name, reason in found.failed.items():
            out.print(warning(f"{name} is left out: {reason}"))
