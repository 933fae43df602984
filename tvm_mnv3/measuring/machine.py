"""What machine the numbers are of, and which of its CPUs the benchmark takes."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from tvm_mnv3.errors import EnvironmentProblem


def describe_machine() -> dict[str, Any]:
    """The machine in words and numbers, for the head of a report; without its name and its folders."""
    return {
        "cpu": _cpu_name(),
        "cpus": len(os.sched_getaffinity(0)),
        "caches": _caches(),
        "system": f"{platform.system()} {platform.release()}, {' '.join(platform.libc_ver())}".strip(),
        "python": platform.python_version(),
        # Other work on the machine is the first thing to ask when numbers look odd.
        "load_average_before": round(os.getloadavg()[0], 2),
    }


def choose_cpus(threads: int) -> tuple[int, ...]:
    """As many CPUs of this process as there are threads, the last ones: the first often serve interrupts.

    Raises
    ------
    EnvironmentProblem
        There are fewer.
    """
    usable = sorted(os.sched_getaffinity(0))
    if threads > len(usable):
        raise EnvironmentProblem(
            f"{threads} threads need as many CPUs, and this process may use {len(usable)}; lower --threads."
        )
    return tuple(usable[len(usable) - threads :])


def _cpu_name() -> str:
    """The model's name of /proc/cpuinfo; ARM kernels show none, so there it is the architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]} ({platform.machine()})" if names else platform.machine()


def _caches() -> dict[str, str]:
    """Such as ``{"L1 Data": "32K", "L2 Unified": "1024K"}``, of the first CPU."""
    caches = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            level, kind, size = ((index / part).read_text().strip() for part in ("level", "type", "size"))
        except OSError:
            continue
        caches[f"L{level} {kind}"] = size
    return caches
