"""``tvm-mnv3 compare``: what changed from one result to another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tvm_mnv3.cli.options import DebugOption
from tvm_mnv3.cli.outcome import reporting

if TYPE_CHECKING:
    from tvm_mnv3.compare import Change


def compare_command(
    before: Annotated[
        Path, typer.Argument(metavar="A.json", help="What validate, profile or bench wrote.", show_default=False)
    ],
    after: Annotated[Path, typer.Argument(metavar="B.json", help="The same, of another build.", show_default=False)],
    threshold: Annotated[
        float, typer.Option(min=0, metavar="PERCENT", help="Exit code 1 if a time, a size or a count is worse by more.")
    ] = 5.0,
    points: Annotated[
        float, typer.Option(min=0, metavar="POINTS", help="Exit code 1 if an accuracy or agreement is worse by more.")
    ] = 0.5,
    top: Annotated[int, typer.Option(min=0, help="How many kernels to print.")] = 10,
    debug: DebugOption = False,
) -> None:
    """Compare two results: what got better, what got worse, what else differs."""
    with reporting(debug):
        from tvm_mnv3.cli.console import console, facts, listing, show
        from tvm_mnv3.compare import compare

        found = compare(before, after, threshold=threshold, points=points)
        out = console()
        if found.facts:
            rows = [(name, f"{one} -> {two}") for name, (one, two) in found.facts.items()]
            show(out, "not the same in both", facts(rows))
        columns = ("", "before", "after", "change", "")
        show(out, f"{found.kind}: {before} to {after}", listing(columns, [_row(c) for c in found.changes], numbers=()))
        if found.kernels and top:
            title = "kernels, the largest change first (microseconds, all uses)"
            show(out, title, listing(columns[:4], [_row(change)[:4] for change in found.kernels[:top]]))
        for change in found.worse:
            limit = f"{points:g} points" if change.unit == "points" else f"{threshold:g} %"
            typer.echo(f"Worse: {change.name}: {_difference(change)}, at most {limit} is asked.", err=True)
        if found.worse:
            raise typer.Exit(1)


def _row(change: Change) -> tuple[str, str, str, str, str]:
    return (
        change.name,
        _number(change.before),
        _number(change.after),
        _difference(change),
        "worse" if change.is_worse else "",
    )


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1e5 else f"{value:.4g}"


def _difference(change: Change) -> str:
    if change.difference is None:
        return "-"
    return f"{change.difference:+.2f} points" if change.unit == "points" else f"{change.difference:+.1f} %"
