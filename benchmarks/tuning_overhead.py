"""What a trial of ``tvm-mnv3 tune`` costs beyond running its kernel: ``python -m benchmarks.tuning_overhead``.

The real command tunes a real network on a real tracker and agent, under the emulator or on any other device, and this
program watches its log grow. A trial's overhead is the time since the trial before was written, less the time that
its kernel ran for: search, build, upload, check, session and log are all in it. docs/tuning.md has the result.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.terminal import output_console
from tvm_mnv3.tuning.entry import LogEntry
from tvm_mnv3.tuning.log_file import read_log
from tvm_mnv3.tuning.remote_session import LEAST_SECONDS

_LOOK = 0.005


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark as the command line says; the exit code, 1 where the bar is missed."""
    options = _parser().parse_args(arguments)
    command = [
        str(Path(sysconfig.get_path("scripts"), "tvm-mnv3")), "tune", options.model, "--size", str(options.size),
        "--core", options.core, "--device", options.device, "--trials", str(options.trials),
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log.jsonl")
        stamps, code = _watch([*command, "--log", str(log)], log)
        entries = read_log(log).entries
    if code != 0 or len(entries) < 2:
        print(f"error: {' '.join(command)} ended with {code} after {len(entries)} trials", file=sys.stderr)
        return 3
    return _report(stamps, entries, options.bar)


def _watch(command: Sequence[str], log: Path) -> tuple[list[float], int]:
    """The seconds after the command's start at which each line of its log was there, and its exit code."""
    stamps: list[float] = []
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        running = True
        while running:
            running = process.poll() is None
            lines = log.read_bytes().count(b"\n") if log.exists() else 0
            stamps += [time.perf_counter() - start] * (lines - len(stamps))
            time.sleep(_LOOK)
        return stamps, process.wait()


def _report(stamps: Sequence[float], entries: Sequence[LogEntry], bar: float) -> int:
    ran = [_kernel_seconds(entry) for entry in entries]
    gaps = [later - earlier for earlier, later in itertools.pairwise(stamps)]
    overhead = [gap - run for gap, run in zip(gaps, ran[1:], strict=True)]
    out = output_console()
    out.print(f"{len(entries)} trials, {sum(entry.failure is not None for entry in entries)} failed")
    out.print(f"start of the command to the first measurement   {stamps[0]:.1f} s")
    out.print(f"a kernel's own runs, median                     {statistics.median(ran):.2f} s")
    out.print(f"overhead of a trial, median                     {statistics.median(overhead):.2f} s")
    out.print(f"overhead of a trial, mean                       {statistics.fmean(overhead):.2f} s")
    return 0 if statistics.median(overhead) <= bar else 1


def _kernel_seconds(entry: LogEntry) -> float:
    """At least so long the kernel ran: once to be checked, and for each time as often as the least time asks for."""
    return sum(max(one, LEAST_SECONDS) for one in entry.seconds) + min(entry.seconds, default=0.0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tuning_overhead", description="Times the trials of a real run of `tvm-mnv3 tune`."
    )
    parser.add_argument("--model", default="mobilenet_v3_small", help="a name (mobilenet_v3_small)")
    parser.add_argument("--size", type=int, default=224, help="height and width of its input (224)")
    parser.add_argument("--core", default="cortex-a76", help="the core that is compiled for (cortex-a76)")
    parser.add_argument("--device", default="emulated:cortex-a76", help="as of tune (emulated:cortex-a76)")
    parser.add_argument("--trials", type=int, default=120, help="of the whole network (120)")
    parser.add_argument("--bar", type=float, default=1.0, help="seconds that the median overhead may take (1.0)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
