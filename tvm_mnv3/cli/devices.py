"""``tvm-mnv3 devices``: what there is to run on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tvm_mnv3.cli.options import DebugOption
from tvm_mnv3.cli.outcome import reporting

if TYPE_CHECKING:
    from tvm_mnv3.devices.attached import AttachedDevice


def devices_command(
    tracker: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="List the devices behind this tracker too.  [default: 127.0.0.1:9190, if one listens there]",
            show_default=False,
        ),
    ] = None,
    debug: DebugOption = False,
) -> None:
    """List what is attached: this machine, emulated cores, phones at adb, devices behind a tracker."""
    with reporting(debug):
        from tvm_mnv3.cli.console import console, listing
        from tvm_mnv3.devices.attached import attached_devices, parse_tracker

        devices = attached_devices(parse_tracker(tracker) if tracker is not None else None)
        columns = ("device", "cores", "state", "waiting", "hottest")
        console().print(listing(columns, [_row(device) for device in devices], numbers=columns[3:]))


def _row(device: AttachedDevice) -> tuple[str, ...]:
    waiting = "" if device.queue is None else str(device.queue)
    hottest = "" if device.hottest is None else f"{device.hottest:.0f} °C"
    return (device.name, device.cores, device.state, waiting, hottest)
