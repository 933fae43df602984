"""A contest: all runtimes on one network and one number of threads, checked against each other, then timed in turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from benchmarks.artifacts import artifacts_folder
from benchmarks.network import Network
from benchmarks.results import Missing, Result, result_of
from benchmarks.runtimes.runtime import Array
from benchmarks.worker import PeerFailed, Worker
from tvm_mnv3.measuring.machine import choose_cpus
from tvm_mnv3.measuring.rounds import take_turns

#: Largest difference from PyTorch's logits, as a share of their range. Float32 in any order of sums stays some fifty
#: times below; bfloat16 or float16 anywhere is above.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Contest:
    """What is compared, and for how long.

    Parameters
    ----------
    runtimes
        Names of `benchmarks.runtimes.MODULES`.
    rounds, burst_seconds
        Every runtime has `rounds` turns of about `burst_seconds`.
    """

    network: Network
    threads: int
    runtimes: Sequence[str]
    rounds: int
    burst_seconds: float


def hold(contest: Contest, say: Callable[[str], None]) -> tuple[list[Result], list[Missing]]:
    """Start every runtime, check its logits, and time those that are right.

    Raises
    ------
    EnvironmentProblem
        There are fewer CPUs than threads.
    """
    model, threads = contest.network.name, contest.threads
    missing: list[Missing] = []

    def leave_out(runtime: str, error: Exception) -> None:
        missing.append(Missing(model, threads, runtime, str(error)))
        say(f"{runtime} is left out: {error}")

    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for runtime in contest.runtimes:
            say(f"{runtime}: load and check")
            try:
                workers[runtime] = _start(contest, runtime, stack)
            except PeerFailed as failure:
                leave_out(runtime, failure)
        say(f"{contest.rounds} rounds of {len(workers)} runtimes")
        measurements = take_turns(workers, contest.rounds, contest.burst_seconds, leave_out)
    results = [
        result_of(
            measurement,
            model=model,
            threads=threads,
            runtime=runtime,
            version=workers[runtime].version,
            difference=difference(workers[runtime].logits, contest.network.expected),
        )
        for runtime, measurement in measurements.items()
    ]
    return results, missing


def _start(contest: Contest, runtime: str, stack: ExitStack) -> Worker:
    """A worker whose logits are right."""
    logs = artifacts_folder() / "logs"
    logs.mkdir(exist_ok=True)
    log = logs / f"{contest.network.name}-{contest.threads}-{runtime}.log"
    worker = Worker(runtime, contest.network, choose_cpus(contest.threads), log)
    stack.callback(worker.close)
    found = difference(worker.logits, contest.network.expected)
    if not found <= TOLERANCE:
        worker.close()
        raise PeerFailed(f"its logits differ from PyTorch's by {found:.1e} of their range; {TOLERANCE:.0e} is allowed")
    return worker


def difference(logits: Array, expected: Array) -> float:
    """The largest difference, as a share of the range of what is expected; infinite where the shapes differ."""
    if logits.shape != expected.shape:
        return float("inf")
    return float(np.abs(logits - expected).max() / np.ptp(expected))
