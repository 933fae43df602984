"""``profile``: the time of each kernel of a bundle, from inside the library that ships.

The kernels are not built again: their machine code is called where it lies in the bundle's own library, in the order
and on the memory of its driver, with a look at the clock between two steps (see `tvm_mnv3.devices.stepping`).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tvm_mnv3.codegen.bundle import Bundle, KernelRecord, open_bundle, verify_files
from tvm_mnv3.codegen.steps import StepRecord
from tvm_mnv3.devices.device import Array
from tvm_mnv3.devices.local import LocalDevice, LocalSession
from tvm_mnv3.devices.stepping import LocalStepper
from tvm_mnv3.errors import InputError
from tvm_mnv3.measuring.hygiene import machine_state, pinned
from tvm_mnv3.measuring.machine import choose_cpus, describe_machine
from tvm_mnv3.measuring.roofline import Roofline, measure_roofline_apart
from tvm_mnv3.profiling.result import Profile, StepTime

#: Library and stepper take turns, so that what the machine does meanwhile happens to both.
_TURNS = 10
_WARMUP_RUNS = 5
#: A run is typical whose whole time is within that share of the median: what interrupts the others would be counted
#: as the time of whichever kernel it met.
_TYPICAL = 0.05
_FEWEST_RUNS = 5


@dataclass(frozen=True)
class ProfileOptions:
    """What to profile.

    Parameters
    ----------
    bundle
        Its folder.
    device
        ``local``; no other device can tell the time of a kernel.
    threads
        How many threads work.
    seconds
        How long to measure, half of it profiled.
    """

    bundle: Path
    device: str = "local"
    threads: int = 1
    seconds: float = 3.0


def profile(options: ProfileOptions, on_stage: Callable[[str], None] = lambda stage: None) -> Profile:
    """Measure the kernels of a bundle, one thread per CPU, pinned.

    Parameters
    ----------
    on_stage
        Called with ``roofline`` and ``kernels`` as each begins.

    Raises
    ------
    InputError
        The folder is no bundle of this machine's, has no steps, or the device has no latency.
    EnvironmentProblem
        There are fewer CPUs than threads, or the toolchain is missing.
    """
    if options.device != "local":
        raise InputError(
            f"--device {options.device}: the time of an emulated core says nothing about a phone's, so there is no "
            "profile of it. `tvm-mnv3 estimate BUNDLE` counts instructions and models cycles per kernel."
        )
    bundle = open_bundle(options.bundle)
    verify_files(bundle)
    cpus = choose_cpus(options.threads)
    with LocalDevice().open(bundle.path) as session:
        stepper = LocalStepper(session, bundle)
        on_stage("roofline")
        roofline = measure_roofline_apart(cpus)
        on_stage("kernels")
        before = machine_state(cpus[0])
        with pinned(cpus):
            whole, steps = _take_turns(session, stepper, options)
        after = machine_state(cpus[0])
    return Profile(
        name=bundle.manifest.name,
        precision=bundle.manifest.precision,
        device=options.device,
        machine=describe_machine(),
        date=now(),
        threads=options.threads,
        runs=len(whole),
        whole_ms=float(np.median(whole)) * 1e3,
        profiled_ms=float(np.median(steps.sum(axis=1))) / 1e6,
        roofline=roofline,
        before=before,
        after=after,
        steps=_step_times(bundle, stepper.table.steps, steps, roofline),
        sample=tuple(int(ns) for ns in steps[_median_run(steps)]),
    )


def now() -> str:
    """The date and time in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def noise(session: LocalSession) -> list[Array]:
    """Inputs that are no picture: times do not depend on the values."""
    random = np.random.default_rng(0)
    return [random.standard_normal(spec.shape).astype(spec.dtype) for spec in session.inputs]


def _take_turns(
    session: LocalSession, stepper: LocalStepper, options: ProfileOptions
) -> tuple[list[float], NDArray[np.int64]]:
    """Seconds of the library's own runs, and nanoseconds of the steps of as many profiled ones."""
    inputs, threads = noise(session), options.threads
    typical = float(np.median(session.time(inputs, threads=threads, warmup=_WARMUP_RUNS, repeats=_FEWEST_RUNS)))
    repeats = max(_FEWEST_RUNS, round(options.seconds / 2 / _TURNS / typical))
    whole: list[float] = []
    steps = []
    for _ in range(_TURNS):
        whole.extend(session.time(inputs, threads=threads, warmup=_WARMUP_RUNS, repeats=repeats))
        steps.append(stepper.times(inputs, threads=threads, warmup=_WARMUP_RUNS, repeats=repeats))
    return whole, np.concatenate(steps)


def _median_run(steps: NDArray[np.int64]) -> int:
    totals = steps.sum(axis=1)
    return int(np.argsort(totals, kind="stable")[len(totals) // 2])


def _step_times(
    bundle: Bundle, records: Sequence[StepRecord], steps: NDArray[np.int64], roofline: Roofline
) -> tuple[StepTime, ...]:
    totals = steps.sum(axis=1)
    middle = np.median(totals)
    # At least the median run itself, of few runs that all differ.
    near = np.abs(totals - middle) <= max(_TYPICAL * middle, np.abs(totals - middle).min())
    typical = steps[near].mean(axis=0) / 1e3
    kernels = {kernel.symbol: kernel for kernel in bundle.manifest.kernels}
    tenths = np.percentile(steps, [10, 90], axis=0) / 1e3
    return tuple(
        _step_time(
            number, record, kernels.get(record.kernel or ""), float(typical[number]), tenths[:, number], roofline
        )
        for number, record in enumerate(records)
    )


def _step_time(
    number: int,
    record: StepRecord,
    kernel: KernelRecord | None,
    microseconds: float,
    tenths: NDArray[np.float64],
    roofline: Roofline,
) -> StepTime:
    multiply_adds = kernel.multiply_adds if kernel is not None else 0
    # A small network's weights and values stay in the last cache; where none is known, memory is the limit.
    gigabytes = roofline.cache_gb_per_second or roofline.memory_gb_per_second
    return StepTime(
        step=number,
        kernel=record.kernel or "copy",
        workload=kernel.workload if kernel is not None else None,
        knobs=kernel.knobs if kernel is not None else {},
        origin=kernel.origin if kernel is not None else "copy",
        layers=record.layers,
        microseconds=microseconds,
        p10=float(tenths[0]),
        p90=float(tenths[1]),
        multiply_adds=multiply_adds,
        bytes=record.traffic_bytes,
        bound=max(multiply_adds / roofline.gmac_per_second, record.traffic_bytes / gigabytes) / 1e3,
    )
