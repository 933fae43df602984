"""The tables' look, and a console that is wide enough for them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

#: A workload's name and seven numbers.
_WIDTH = 125


def output_console() -> Console:
    """On standard output; where that is narrower (80 columns in a file), it is widened, so that nothing is cut off."""
    console = Console(highlight=False)
    if console.width < _WIDTH:
        console = Console(highlight=False, width=_WIDTH)
    return console


def plain_table(title: str, texts: Sequence[str], numbers: Sequence[str]) -> Table:
    """A table with these columns, texts to the left, numbers to the right."""
    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for text in texts:
        table.add_column(text, no_wrap=True)
    for number in numbers:
        table.add_column(number, justify="right", no_wrap=True)
    return table
