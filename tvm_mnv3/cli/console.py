"""What the commands print with: a console that is plain where it is not a terminal, tables, and numbers for people."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tvm_mnv3.units import in_bytes as in_bytes
from tvm_mnv3.units import in_millions as in_millions
from tvm_mnv3.units import shape_text as shape_text

#: Columns of a file or a pipe, which have no width of their own.
_PIPE_WIDTH = 120
_UNLIMITED = 10_000


def console(*, stderr: bool = False) -> Console:
    """A console on stdout or stderr: colours and width as the terminal has them, neither where there is none."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else _PIPE_WIDTH
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def show(console: Console, title: str, table: Table) -> None:
    """Print a table under its title, with a line of space before; in a file or a pipe as wide as it is."""
    if not console.is_terminal and not os.environ.get("COLUMNS"):
        unlimited = console.options.update(width=_UNLIMITED)
        console.width = max(console.width, console.measure(table, options=unlimited).maximum)
    console.print()
    console.print(Text(title, style="bold"))
    console.print(table)


def facts(rows: Sequence[tuple[str, str]]) -> Table:
    """A table of two columns: what, and how much."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    return table


def listing(columns: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[str] = ()) -> Table:
    """A table of many rows.

    Parameters
    ----------
    columns
        Their headings.
    numbers
        The columns that are aligned to the right.
    """
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for index, column in enumerate(columns):
        # The first one names the row, to be copied or searched for: it is never cut.
        width = max(map(len, (column, *(row[0] for row in rows)))) if index == 0 else None
        # Without wrapping, the others make room for it.
        table.add_column(
            column,
            justify="right" if column in numbers else "left",
            overflow="fold",
            min_width=width,
            no_wrap=index == 0,
        )
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def warning(sentence: str) -> Panel:
    """A sentence that must be seen."""
    return Panel(Text(sentence), title="note", title_align="left", border_style="yellow")
