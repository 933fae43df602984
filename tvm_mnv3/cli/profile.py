"""``tvm-mnv3 profile``: where the time of a bundle goes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tvm_mnv3.cli.options import DebugOption
from tvm_mnv3.cli.outcome import reporting
from tvm_mnv3.cli.output_files import check_free, write_text


def profile_command(
    bundle: Annotated[Path, typer.Argument(help="The folder that `tvm-mnv3 compile` wrote.", show_default=False)],
    device: Annotated[str, typer.Option(help="local; an emulated core has no time that counts.")] = "local",
    threads: Annotated[int, typer.Option(min=1, help="How many threads work.")] = 1,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to measure, half of it profiled.")] = 3.0,
    top: Annotated[int | None, typer.Option(min=1, help="How many kernels to print.  [default: all]")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the profile as data.")] = None,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Write one run as a Chrome trace (ui.perfetto.dev).")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    debug: DebugOption = False,
) -> None:
    """Time every kernel of a bundle, from inside the library that ships."""
    with reporting(debug) as interrupts:
        from tvm_mnv3.cli.console import console, show
        from tvm_mnv3.cli.profile_tables import step_table, summary_table
        from tvm_mnv3.cli.progress import stages

        check_free({"--json": json, "--trace": trace}, force)
        with stages(console(stderr=True)) as clock:
            clock.begin("start")
            from tvm_mnv3.profile import ProfileOptions, profile

            def on_stage(stage: str) -> None:
                interrupts.check()
                clock.begin(stage)

            found = profile(ProfileOptions(bundle, device, threads, seconds), on_stage)
        if json is not None:
            write_text(json, found.to_json())
        if trace is not None:
            write_text(trace, found.to_trace())
        out = console()
        show(out, f"{found.name}, {found.precision}, on {found.device}", summary_table(found))
        show(out, "kernels, the slowest first", step_table(found, top))
