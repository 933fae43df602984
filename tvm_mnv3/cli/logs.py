"""``tvm-mnv3 logs``: show, merge and check tuning logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tvm_mnv3.cli.options import DebugOption
from tvm_mnv3.cli.outcome import reporting

logs_app = typer.Typer(help="Show, merge and check tuning logs.", no_args_is_help=True, rich_markup_mode=None)

LogArgument = Annotated[Path, typer.Argument(metavar="LOG", help="A tuning log (.jsonl).", show_default=False)]


@logs_app.command("show")
def show_command(
    log: LogArgument,
    all_entries: Annotated[bool, typer.Option("--all", help="Every trial, not only each workload's best.")] = False,
    debug: DebugOption = False,
) -> None:
    """Show each workload's best entry."""
    with reporting(debug):
        from tvm_mnv3.cli.console import console, show
        from tvm_mnv3.cli.log_tables import entries_table
        from tvm_mnv3.tuning.maintain import read_existing_log

        entries = read_existing_log(log)
        title = f"{log}: {len(entries)} trials of {len({entry.workload for entry in entries})} workloads"
        show(console(), title, entries_table(entries, every=all_entries))


@logs_app.command("merge")
def merge_command(
    logs: Annotated[list[Path], typer.Argument(metavar="LOG...", help="Tuning logs.", show_default=False)],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The log to write; what is in it takes part.", show_default=False)
    ],
    debug: DebugOption = False,
) -> None:
    """Write the best trustworthy entry of each workload: a measured one outranks a modelled one, whatever it says."""
    with reporting(debug):
        from tvm_mnv3.cli.console import console
        from tvm_mnv3.tuning.maintain import merge_logs

        console().print(f"{output}: the best entries of {len(merge_logs(logs, output))} workloads")


@logs_app.command("check")
def check_command(log: LogArgument, debug: DebugOption = False) -> None:
    """Say what of a log `compile` can use, and why not the rest; exit code 1 where something is wrong."""
    with reporting(debug):
        from tvm_mnv3.cli.console import console
        from tvm_mnv3.errors import GateError
        from tvm_mnv3.tuning.maintain import check_log

        checked = check_log(log)
        out = console()
        for problem in checked.problems:
            out.print(problem)
        rest = "".join(f", {count} {why}" for why, count in checked.passed_over.items())
        out.print(f"{checked.usable} of {checked.entries} entries can be used{rest}")
        if checked.problems:
            raise GateError(f"{log} has {len(checked.problems)} problems.")
