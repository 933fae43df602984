"""The command ``tvm-mnv3``: one file per command, which parses and prints and nothing else.

Nothing here imports TVM, PyTorch or rich before a command needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

from typing import Annotated

import typer

from tvm_mnv3 import __version__
from tvm_mnv3.cli.bench import bench_command
from tvm_mnv3.cli.compare import compare_command
from tvm_mnv3.cli.compile import compile_command
from tvm_mnv3.cli.devices import devices_command
from tvm_mnv3.cli.estimate import estimate_command
from tvm_mnv3.cli.farm import farm_command
from tvm_mnv3.cli.inspect import inspect_command
from tvm_mnv3.cli.logs import logs_app
from tvm_mnv3.cli.models import models_command
from tvm_mnv3.cli.package import package_command, verify_command
from tvm_mnv3.cli.profile import profile_command
from tvm_mnv3.cli.run import run_command
from tvm_mnv3.cli.targets import targets_command
from tvm_mnv3.cli.tune import tune_command
from tvm_mnv3.cli.validate import validate_command

app = typer.Typer(
    name="tvm-mnv3",
    add_completion=False,
    no_args_is_help=True,
    # Plain help: it can be piped, and rich would take half of the time.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command("compile")(compile_command)
app.command("run")(run_command)
app.command("validate")(validate_command)
app.command("profile")(profile_command)
app.command("bench")(bench_command)
app.command("compare")(compare_command)
app.command("estimate")(estimate_command)
app.command("inspect")(inspect_command)
app.command("models")(models_command)
app.command("targets")(targets_command)
app.command("devices")(devices_command)
app.command("farm")(farm_command)
app.command("tune")(tune_command)
app.add_typer(logs_app, name="logs")
app.command("package")(package_command)
app.command("verify")(verify_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"tvm-mnv3 {__version__} (apache-tvm {version('apache-tvm')})")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Compile MobileNetV3 into a small freestanding shared library for ARM phones."""


def main() -> None:
    """Run the command of ``sys.argv``, and exit."""
    app()
