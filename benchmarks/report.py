"""The results as tables for the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from benchmarks.results import Missing, Result, Results
from benchmarks.runtimes import OURS
from benchmarks.terminal import plain_table
from tvm_mnv3.measuring.roofline import Roofline


def print_results(results: Results, console: Console) -> None:
    """The machine, its roofline, a table per network and number of threads, and what is missing."""
    console.print(f"\n{results.machine['cpu']}, {results.date}, float32, batch 1, 224x224")
    for roofline in results.roofline.values():
        console.print(_roofline_line(roofline))
    for model, multiply_adds in results.multiply_adds.items():
        for threads, roofline in results.roofline.items():
            missing = [each for each in results.missing if (each.model, each.threads) == (model, threads)]
            fastest = results.fastest_peer(model, threads)
            console.print()
            console.print(
                _table(
                    f"{model}, {_threads(threads)}", results.of(model, threads), missing, fastest,
                    multiply_adds, roofline,
                )
            )  # fmt: skip
    _print_scaling(results, console)
    for reason in dict.fromkeys(f"{each.runtime} is missing: {each.reason}" for each in results.missing):
        console.print(reason, markup=False, style="yellow")


def _table(
    title: str,
    results: list[Result],
    missing: list[Missing],
    fastest: Result | None,
    multiply_adds: int,
    roofline: Roofline,
) -> Table:
    numbers = ("median ms", "p10", "p90", "speed", "GMAC/s", "of peak")
    table = plain_table(title, ("runtime", "version"), numbers)
    floor = multiply_adds / roofline.gmac_per_second / 1e6
    table.add_row("multiply-add floor", "", f"{floor:.3f}", "", "", _speed(fastest, floor), *_rate(1.0, roofline))
    for result in results:
        share = floor / result.median_ms
        times = (f"{time:.3f}" for time in (result.median_ms, result.p10_ms, result.p90_ms))
        table.add_row(
            result.runtime, result.version, *times, _speed(fastest, result.median_ms), *_rate(share, roofline),
            style="bold green" if result.runtime == OURS else None,
        )  # fmt: skip
    for each in missing:
        table.add_row(each.runtime, "missing", style="yellow")
    return table


def _speed(fastest: Result | None, milliseconds: float) -> str:
    """How many times as fast as the fastest peer."""
    return f"{fastest.median_ms / milliseconds:.2f}x" if fastest else ""


def _rate(share: float, roofline: Roofline) -> tuple[str, str]:
    return f"{share * roofline.gmac_per_second:.1f}", f"{share:.0%}"


def _roofline_line(roofline: Roofline) -> str:
    cache = roofline.cache_gb_per_second
    from_cache = f", the last cache at {cache:.0f} GB/s" if cache is not None else ""
    return (
        f"{_threads(roofline.threads)}: {roofline.gmac_per_second:.1f} GMAC/s at most; reads memory at "
        f"{roofline.memory_gb_per_second:.1f} GB/s{from_cache}"
    )


def _print_scaling(results: Results, console: Console) -> None:
    """What more threads bring this project."""
    ours = {(result.model, result.threads): result.median_ms for result in results.results if result.runtime == OURS}
    for (model, threads), milliseconds in ours.items():
        if threads > 1 and (model, 1) in ours:
            ratio = ours[model, 1] / milliseconds
            console.print(f"{OURS}, {model}: {_threads(threads)} are {ratio:.2f} times as fast as 1")


def _threads(threads: int) -> str:
    return f"{threads} thread{'s' if threads > 1 else ''}"
