"""``tvm-mnv3 targets``: the cores that can be compiled for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm_mnv3.cli.options import DebugOption
from tvm_mnv3.cli.outcome import reporting

if TYPE_CHECKING:
    from tvm_mnv3.targets import Core


def targets_command(debug: DebugOption = False) -> None:
    """List the cores that `compile --core` knows."""
    with reporting(debug):
        from tvm_mnv3.cli.console import console, listing
        from tvm_mnv3.targets import core_names, load_core

        rows = [_row(load_core(name)) for name in core_names()]
        columns = ("core", "vectors", "L1/L2/L3 kB", "description")
        out = console()
        out.print(listing(columns, rows))
        out.print("`--target arm --core CORE` compiles for one of them, `--target host` for this machine.")


def _row(core: Core) -> tuple[str, ...]:
    caches = "/".join(str(size // 1024) for size in (core.l1_data_bytes, core.l2_bytes, core.l3_bytes))
    return (core.name, f"{core.vector_bits} bit", caches, core.description)
