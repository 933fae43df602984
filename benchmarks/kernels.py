"""Every kernel of a network timed alone: ``python -m benchmarks.kernels [--model NAME] [--json FILE]``.

On this machine, one thread, float32, with warm operands. Each kernel's share of the multiply-add peak, measured in
turns with it, says what is left to gain, its share of the whole where to look first. docs/benchmarks.md tells more.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from rich.console import Console

from benchmarks.band_rows import rows_at_a_time
from benchmarks.kernel_library import KernelLibrary, schedule_kernel
from benchmarks.kernel_report import KernelReport, KernelTime, print_report
from benchmarks.network import SEED, Network
from benchmarks.own_process import call_in_own_process
from benchmarks.terminal import output_console
from tvm_mnv3 import CompileOptions, compile_model
from tvm_mnv3.codegen.bundle import Bundle, KernelRecord
from tvm_mnv3.codegen.steps import read_steps
from tvm_mnv3.devices.local import LocalDevice
from tvm_mnv3.errors import InputError, Mnv3Error
from tvm_mnv3.measuring.hygiene import pinned
from tvm_mnv3.measuring.machine import choose_cpus, describe_machine
from tvm_mnv3.measuring.roofline import Burst, Bursts, measure_roofline
from tvm_mnv3.targets import load_core
from tvm_mnv3.workload import Workload

#: Runs of the whole network in each round, after one that does not count.
_WHOLE_RUNS = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark as the command line says; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.json is not None and options.json.exists() and not options.force:
            raise InputError(f"--json {options.json} exists; choose another file, or use --force.")
        report = measure_kernels(options.model, options.only, options.rounds, options.burst)
        if options.json is not None:
            report.write_json(options.json)
    except Mnv3Error as error:
        Console(stderr=True).print(f"error: {error}", markup=False, soft_wrap=True)
        return error.exit_code
    print_report(report, output_console())
    return 0


def measure_kernels(model: str, only: str, rounds: int, burst_seconds: float) -> KernelReport:
    """Compile a network, then time its kernels and the whole in turns.

    Parameters
    ----------
    only
        A pattern with ``*`` that a workload's name must match.

    Raises
    ------
    InputError
        There is no such model, or no kernel matches.
    """
    machine = describe_machine()
    cpus = choose_cpus(1)
    before = call_in_own_process(measure_roofline, cpus)
    with tempfile.TemporaryDirectory() as folder:
        options = CompileOptions(model, output=Path(folder, "bundle"), target="host", weights="random", seed=SEED)
        bundle = compile_model(options)
        # Kernels of the fallback have no workload to make them again from; the family has none.
        records = [r for r in bundle.manifest.kernels if r.workload is not None and fnmatch(r.workload, only)]
        if not records:
            raise InputError(f"--only {only!r}: {model} has no such kernel; the table without --only names them.")
        with pinned(cpus):
            times, whole = _in_turns(bundle, records, rounds, burst_seconds)
    roofline = call_in_own_process(measure_roofline, cpus).best_of(before)
    return KernelReport(machine, model, times, whole, roofline)


def _in_turns(
    bundle: Bundle, records: Sequence[KernelRecord], rounds: int, burst_seconds: float
) -> tuple[list[KernelTime], float]:
    """The time of each kernel, and the whole network's median in seconds."""
    core = load_core("host")
    functions = {r.symbol: schedule_kernel(Workload.parse(r.symbol), r.knobs, core) for r in records}
    library = KernelLibrary(functions, core)
    # Seconds of a call, and the peak beside it.
    bursts: dict[str, list[tuple[float, float]]] = {record.symbol: [] for record in records}
    rows = rows_at_a_time(read_steps(bundle.path))
    parts = {symbol: rows[symbol] / Workload.parse(symbol).out_height if symbol in rows else 1 for symbol in bursts}
    peak = Bursts(core).multiply_add()
    whole: list[float] = []
    inputs = [Network(bundle.manifest.name, bundle.path).input]
    with LocalDevice().open(bundle.path) as session:
        for _ in range(rounds):
            before = _rate(peak)
            for symbol in bursts:
                seconds = library.seconds_per_call(symbol, burst_seconds, parts[symbol])
                after = _rate(peak)
                bursts[symbol].append((seconds, statistics.mean((before, after))))
                before = after
            whole.extend(session.time(inputs, warmup=1, repeats=_WHOLE_RUNS))
    times = [_time(record, bursts[record.symbol], rows.get(record.symbol), library) for record in records]
    return times, statistics.median(whole)


def _rate(burst: Burst) -> float:
    """Work per second."""
    start = time.perf_counter()
    return burst() / (time.perf_counter() - start)


def _time(
    record: KernelRecord, bursts: Sequence[tuple[float, float]], rows: int | None, library: KernelLibrary
) -> KernelTime:
    """The record's time, of bursts of so many seconds a call beside such a peak."""
    seconds = [each for each, _ in bursts]
    return KernelTime(
        workload=record.symbol,
        uses=record.uses,
        knobs=record.knobs,
        origin=record.origin,
        microseconds=statistics.median(seconds) * 1e6,
        fastest_microseconds=min(seconds) * 1e6,
        multiply_adds=record.multiply_adds,
        operand_bytes=sum(array.nbytes for array in library.operands(record.symbol)),
        rows=rows,
        of_peak=statistics.median(record.multiply_adds / each / peak for each, peak in bursts),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kernels", description="Times every kernel of a network alone, on this machine."
    )
    parser.add_argument("--model", default="mobilenet_v3_large", help="a name (mobilenet_v3_large)")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="workloads that match, such as 'pointwise_*'")
    parser.add_argument("--rounds", type=int, default=20, help="bursts of every kernel (20)")
    parser.add_argument("--burst", type=float, default=0.005, help="seconds of a burst (0.005)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report to FILE too")
    parser.add_argument("--force", action="store_true", help="replace FILE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
