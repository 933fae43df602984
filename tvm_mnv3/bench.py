"""``bench``: several bundles, and other runtimes beside them, timed in turns on this machine."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tvm_mnv3.codegen.bundle import open_bundle, verify_files
from tvm_mnv3.devices.local import LocalDevice, LocalSession
from tvm_mnv3.errors import EnvironmentProblem, InputError
from tvm_mnv3.measuring.hygiene import MachineState, machine_state, pinned
from tvm_mnv3.measuring.machine import choose_cpus, describe_machine
from tvm_mnv3.measuring.rounds import Contestant, Measurement, take_turns
from tvm_mnv3.profile import noise, now
from tvm_mnv3.validation.intervals import Interval, median

#: What ``kind`` says in the JSON.
KIND = "bench"


@dataclass(frozen=True)
class BenchOptions:
    """What to time.

    Parameters
    ----------
    bundles
        Their folders; the first is what the others are compared with.
    peers
        ONNX files that ONNX Runtime runs, in the same turns.
    device
        ``local``; no other device tells the time.
    threads
        How many threads work.
    rounds, burst_seconds
        Everyone has so many turns of about that long.
    """

    bundles: tuple[Path, ...]
    peers: tuple[Path, ...] = ()
    device: str = "local"
    threads: int = 1
    rounds: int = 20
    burst_seconds: float = 0.2


@dataclass(frozen=True)
class BenchEntry:
    """One that was timed.

    Parameters
    ----------
    name
        The bundle's folder or the peer's file, as it was given.
    runtime
        What ran it: ``tvm-mnv3 0.1.0``, ``onnxruntime 1.32.0``.
    median_ms, p10_ms, p90_ms
        Of all its runs.
    runs
        How many.
    ratio
        Its time as a multiple of the first one's: the median of the rounds, each against the same round of the first.
    round_medians_ms
        Whether the machine kept its pace.
    """

    name: str
    runtime: str
    median_ms: float
    p10_ms: float
    p90_ms: float
    runs: int
    ratio: Interval
    round_medians_ms: tuple[float, ...]


@dataclass(frozen=True)
class Bench:
    """All that were timed, in the order that they were named, and those that failed, with the reason."""

    device: str
    machine: Mapping[str, Any]
    date: str
    threads: int
    before: MachineState
    after: MachineState
    entries: tuple[BenchEntry, ...]
    failed: Mapping[str, str]

    def to_json(self) -> str:
        """As text."""
        return json.dumps({"kind": KIND, **dataclasses.asdict(self)}, indent=1) + "\n"


def bench(options: BenchOptions, on_stage: Callable[[str], None] = lambda stage: None) -> Bench:
    """Time bundles in turns, A B A B, so that whatever the machine does meanwhile happens to all of them.

    Parameters
    ----------
    on_stage
        Called with ``load`` and ``rounds`` as each begins.

    Raises
    ------
    InputError
        A bundle or a peer is not usable here, is named twice, or the device has no latency.
    EnvironmentProblem
        There are fewer CPUs than threads, ONNX Runtime is missing, or the first bundle failed.
    """
    if options.device != "local":
        raise InputError(
            f"--device {options.device}: the time of an emulated core says nothing about a phone's; bench bundles for "
            "this machine (--target host), or use `tvm-mnv3 estimate`."
        )
    names = [str(path) for path in (*options.bundles, *options.peers)]
    if len(set(names)) != len(names):
        raise InputError("A bundle is named twice; name each once.")
    cpus = choose_cpus(options.threads)
    failed: dict[str, str] = {}
    on_stage("load")
    with ExitStack() as stack, pinned(cpus):
        contestants: dict[str, Contestant] = {}
        runtimes: dict[str, str] = {}
        for path in options.bundles:
            bundle = open_bundle(path)
            verify_files(bundle)
            session = stack.enter_context(LocalDevice().open(path))
            contestants[str(path)] = _BundleContestant(session, options.threads)
            runtimes[str(path)] = f"tvm-mnv3 {bundle.manifest.versions['tvm-mnv3']}"
        for path in options.peers:
            peer = _OnnxContestant(path, options.threads)
            contestants[str(path)], runtimes[str(path)] = peer, peer.runtime
        on_stage("rounds")
        before = machine_state(cpus[0])
        measured = take_turns(
            contestants, options.rounds, options.burst_seconds, lambda name, error: failed.update({name: str(error)})
        )
        after = machine_state(cpus[0])
    if names[0] not in measured:
        raise EnvironmentProblem(f"{names[0]} failed: {failed[names[0]]}")
    entries = tuple(
        _entry(name, runtimes[name], measured[name], measured[names[0]]) for name in names if name in measured
    )
    return Bench(options.device, describe_machine(), now(), options.threads, before, after, entries, failed)


class _BundleContestant:
    """A bundle on inputs of noise."""

    def __init__(self, session: LocalSession, threads: int) -> None:
        self._session, self._threads, self._inputs = session, threads, noise(session)

    def time(self, *, warmup: int, repeats: int) -> list[float]:
        return self._session.time(self._inputs, threads=self._threads, warmup=warmup, repeats=repeats)


class _OnnxContestant:
    """An ONNX file in ONNX Runtime, its input and output bound before the clock starts."""

    def __init__(self, file: Path, threads: int) -> None:
        if importlib.util.find_spec("onnxruntime") is None:
            raise EnvironmentProblem("--peer needs ONNX Runtime; install it with `pip install 'tvm-mnv3[validate]'`.")
        import onnxruntime

        if not file.is_file():
            raise InputError(f"--peer {file}: no such file.")
        self.runtime = f"onnxruntime {onnxruntime.__version__}"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises a kind of its own for every failure
            raise InputError(
                f"--peer {file}: ONNX Runtime cannot run it ({str(error).splitlines()[0][:200]})."
            ) from error
        self._binding = self._session.io_binding()
        random = np.random.default_rng(0)
        for given in self._session.get_inputs():
            shape = [extent if isinstance(extent, int) else 1 for extent in given.shape]
            self._binding.bind_cpu_input(given.name, random.standard_normal(shape).astype(np.float32))
        for output in self._session.get_outputs():
            self._binding.bind_output(output.name)

    def time(self, *, warmup: int, repeats: int) -> list[float]:
        for _ in range(warmup):
            self._session.run_with_iobinding(self._binding)
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            self._session.run_with_iobinding(self._binding)
            seconds.append(time.perf_counter() - start)
        return seconds


def _entry(name: str, runtime: str, measured: Measurement, first: Measurement) -> BenchEntry:
    ratios = [a / b for a, b in zip(measured.round_medians, first.round_medians, strict=True)]
    return BenchEntry(
        name=name,
        runtime=runtime,
        median_ms=1e3 * measured.percentile(50),
        p10_ms=1e3 * measured.percentile(10),
        p90_ms=1e3 * measured.percentile(90),
        runs=len(measured.seconds),
        ratio=median(ratios),
        round_medians_ms=_milliseconds(measured.round_medians),
    )


def _milliseconds(seconds: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(1e3 * second, 6) for second in seconds)
