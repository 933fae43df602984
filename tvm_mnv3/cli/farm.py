"""``tvm-mnv3 farm``: a tracker and emulated devices, until it is stopped."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from tvm_mnv3.cli.options import DebugOption
from tvm_mnv3.cli.outcome import reporting

_WATCH_SECONDS = 1.0


def farm_command(
    core: Annotated[str, typer.Option(help="The core to emulate; see `tvm-mnv3 targets`.")] = "cortex-a76",
    count: Annotated[int, typer.Option(min=0, max=64, help="How many emulated devices; 0 for a tracker alone.")] = 1,
    key: Annotated[
        str | None, typer.Option(help="What clients ask the tracker for.  [default: the core]", show_default=False)
    ] = None,
    host: Annotated[str, typer.Option(help="Where the tracker listens; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The tracker's port; 0 takes a free one.")] = 9190,
    shared_key_file: Annotated[
        Path | None,
        typer.Option(help="A file whose first line clients must know too.", show_default=False),
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Start a tracker and emulated devices for trying things out; Ctrl-C ends them.

    What is timed on them says nothing about a phone.
    """
    with reporting(debug) as interrupts:
        from tvm_mnv3.cli.console import console
        from tvm_mnv3.devices.farm import Farm
        from tvm_mnv3.devices.remote import RemoteAddress, read_shared_key

        shared_key = read_shared_key(shared_key_file) if shared_key_file else None
        with Farm(core, count=count, key=key, host=host, port=port, shared_key=shared_key) as farm:
            out = console()
            out.print(f"{count} emulated {farm.core} behind the tracker {host}:{farm.tracker.port}; Ctrl-C ends them.")
            out.print(f"device  {RemoteAddress(*farm.address, farm.key).name}", soft_wrap=True)
            while True:
                interrupts.check()
                time.sleep(_WATCH_SECONDS)
                if ended := farm.revive():
                    out.print(f"{ended} of the devices had ended and were started anew.")
