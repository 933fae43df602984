"""This project beside other runtimes: ``python -m benchmarks.peers [--json FILE]``.

Same weights, same input, batch 1, 224x224, float32. Every runtime has a process of its own; its logits are checked
against PyTorch's before anything is timed; then they take turns. docs/benchmarks.md tells more.
"""

from __future__ import annotations

import argparse
import datetime
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.contest import Contest, hold
from benchmarks.network import prepare_network
from benchmarks.own_process import call_in_own_process
from benchmarks.report import print_results
from benchmarks.results import Missing, Result, Results
from benchmarks.runtimes import MODULES, OURS
from benchmarks.terminal import output_console
from tvm_mnv3.errors import InputError, Mnv3Error
from tvm_mnv3.measuring.machine import choose_cpus, describe_machine
from tvm_mnv3.measuring.roofline import Roofline, measure_roofline

_PROGRAM = "python -m benchmarks.peers"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark as the command line says; the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    progress = Console(stderr=True, highlight=False)
    try:
        _check(options)
        results = _measure(options, shlex.join([*_PROGRAM.split(), *arguments]), progress)
        if options.json is not None:
            results.write_json(options.json)
    except Mnv3Error as error:
        progress.print(f"error: {error}", markup=False, soft_wrap=True)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    print_results(results, output_console())
    # A benchmark without the project itself has not done its job.
    return 1 if OURS in options.runtimes and any(each.runtime == OURS for each in results.missing) else 0


def _measure(options: argparse.Namespace, command: str, progress: Console) -> Results:
    machine = describe_machine()
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    results: list[Result] = []
    missing: list[Missing] = []
    multiply_adds: dict[str, int] = {}
    roofline: dict[int, Roofline] = {}
    for model in options.models:
        progress.print(f"{model}: prepare", markup=False)
        network = call_in_own_process(prepare_network, model)
        multiply_adds[model] = network.multiply_adds
        for threads in options.threads:
            # Before every contest, and the best of all: a peak that was once reached is there.
            measured = call_in_own_process(measure_roofline, choose_cpus(threads))
            roofline[threads] = measured.best_of(roofline.get(threads, measured))
            contest = Contest(network, threads, options.runtimes, options.rounds, options.burst)
            found, absent = hold(contest, _narrator(progress, model, threads))
            results.extend(found)
            missing.extend(absent)
    return Results(machine, date, command, multiply_adds, results, missing, roofline)


def _narrator(progress: Console, model: str, threads: int) -> Callable[[str], None]:
    """Prints what goes on in that contest."""
    return lambda line: progress.print(f"{model}, threads {threads}: {line}", markup=False, soft_wrap=True)


def _check(options: argparse.Namespace) -> None:
    """Refuse what can be known to be wrong before minutes of work."""
    unknown = sorted(set(options.runtimes) - set(MODULES))
    if unknown:
        raise InputError(f"--runtimes: there is no {', '.join(unknown)}; there are {', '.join(MODULES)}.")
    if options.json is not None and options.json.exists() and not options.force:
        raise InputError(f"--json {options.json} exists; choose another file, or use --force.")
    for threads in options.threads:
        choose_cpus(threads)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_PROGRAM, description="Times MobileNetV3 in this project and in others.")
    parser.add_argument(
        "--models", type=_names, default=["mobilenet_v3_large", "mobilenet_v3_small"], help="names, with commas"
    )
    parser.add_argument("--threads", type=_positive_numbers, default=[1, 2], help="numbers, with commas (1,2)")
    parser.add_argument("--runtimes", type=_names, default=list(MODULES), help=f"of {', '.join(MODULES)}")
    parser.add_argument("--rounds", type=_positive, default=20, help="turns of every runtime (20)")
    parser.add_argument("--burst", type=float, default=0.2, help="seconds of a turn (0.2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE too")
    parser.add_argument("--force", action="store_true", help="replace FILE")
    return parser


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _positive_numbers(text: str) -> list[int]:
    return [_positive(number) for number in text.split(",")]


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
