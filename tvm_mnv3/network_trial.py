"""The last word of ``tune`` on this machine: the whole network, with the knobs that won and with the defaults.

A kernel that is faster alone need not be in its network, where it runs by bands or slices, shares its work with another
thread, and finds other things in the caches. So the knobs that won stay only where they make the network faster.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tvm_mnv3.bench import BenchOptions, bench
from tvm_mnv3.compile import compile_model
from tvm_mnv3.options import CompileOptions
from tvm_mnv3.source import is_file
from tvm_mnv3.tuning.entry import LogEntry
from tvm_mnv3.tuning.log_file import open_log
from tvm_mnv3.tuning.lookup import NO_LOGS
from tvm_mnv3.validation.intervals import Interval

#: Turns of the network with each set of knobs, for each number of threads.
ROUNDS = 40
#: Of threads, as far as this process has CPUs.
THREADS = (1, 2)


@dataclass(frozen=True)
class NetworkTrial:
    """The whole network with the knobs that won for some workloads, beside the network with none but defaults.

    Parameters
    ----------
    workloads
        Whose knobs these are.
    ratios
        Its time as a multiple of the defaults', by the number of threads.
    """

    workloads: tuple[str, ...]
    ratios: Mapping[int, Interval]

    @property
    def faster(self) -> bool:
        """With some number of threads beyond doubt, and with none slower."""
        ratios = self.ratios.values()
        return all(ratio.value <= 1 for ratio in ratios) and any(ratio.high < 1 for ratio in ratios)


#: Runs the network with the knobs of these entries.
RunTrial = Callable[[Sequence[LogEntry]], NetworkTrial]


def kept(won: Sequence[LogEntry], run: RunTrial, on_trial: Callable[[NetworkTrial], None]) -> list[LogEntry]:
    """Those of the winners that make the whole network faster: all, or the half that promises most, or its half.

    Parameters
    ----------
    won
        The one that promises most first.
    on_trial
        Called after each trial.
    """
    left = list(won)
    while left:
        trial = run(left)
        on_trial(trial)
        if trial.faster:
            break
        left = left[: len(left) // 2]
    return left


@contextmanager
def trials_of(asked: CompileOptions) -> Iterator[RunTrial]:
    """What runs trials of that model: it is compiled once with the defaults, and for each trial with what won.

    Its weights are random where it is named: times do not depend on them.
    """
    with TemporaryDirectory(prefix="tvm-mnv3-network-") as folder:
        place = Path(folder)
        random = None if not isinstance(asked.model, str) or is_file(asked.model) else "random"
        asked = dataclasses.replace(asked, weights=random, force=True)
        default, tuned, log = place / "default", place / "tuned", place / "log.jsonl"
        compile_model(dataclasses.replace(asked, output=default, tuning_logs=NO_LOGS))

        def run(won: Sequence[LogEntry]) -> NetworkTrial:
            log.unlink(missing_ok=True)
            with open_log(log) as writer:
                for entry in won:
                    writer.append(entry)
            compile_model(dataclasses.replace(asked, output=tuned, tuning_logs=log))
            usable = len(os.sched_getaffinity(0))
            ratios = {threads: _ratio(default, tuned, threads) for threads in THREADS if threads <= usable}
            return NetworkTrial(tuple(entry.workload for entry in won), ratios)

        yield run


def _ratio(default: Path, tuned: Path, threads: int) -> Interval:
    return bench(BenchOptions((default, tuned), threads=threads, rounds=ROUNDS)).entries[1].ratio
