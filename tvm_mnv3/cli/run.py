"""``tvm-mnv3 run``: the best classes of a picture, by a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tvm_mnv3.cli.options import DebugOption
from tvm_mnv3.cli.outcome import reporting


def run_command(
    bundle: Annotated[Path, typer.Argument(help="The folder that `tvm-mnv3 compile` wrote.", show_default=False)],
    image: Annotated[Path, typer.Option(help="A picture: JPEG, PNG, ...", show_default=False)],
    top: Annotated[int, typer.Option(min=1, help="How many classes to print.")] = 5,
    device: Annotated[
        str | None,
        typer.Option(
            help="local, emulated:CORE such as emulated:cortex-a76, adb, or rpc://HOST:PORT/KEY.  [default: this "
            "machine for a bundle compiled for it, an emulated core for one compiled for ARM]"
        ),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="The answer's bits do not depend on it.")] = 1,
    debug: DebugOption = False,
) -> None:
    """Run a bundle on a picture and print the best classes."""
    with reporting(debug):
        from tvm_mnv3.cli.console import console, listing, show, warning
        from tvm_mnv3.run import default_device, load

        with load(bundle, device=device) as model:
            answers = model.classify(image, top=top, threads=threads)
            manifest = model.bundle.manifest
            where = device or default_device(model.bundle)
        rows = [(f"{answer.probability:.2%}", str(answer.index), answer.label or "") for answer in answers]
        columns = ("probability", "class", "label")
        out = console()
        show(out, f"{image.name}: {manifest.name} on {where}", listing(columns, rows, numbers=columns[:2]))
        if manifest.provenance["weights"].startswith("random"):
            out.print(warning(f"The weights are {manifest.provenance['weights']}: the classes mean nothing."))
