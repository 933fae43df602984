"""What more devices bring to ``tvm-mnv3 tune``: ``python -m benchmarks.tuning_farm [--count N] [--seconds S]``.

The tuner's own way to a device (TVM's tracker, a session with upload and check for each trial) with a kernel that
sleeps a fixed time, on one emulated device and then on several: the sleep costs no CPU, so that a machine with few
cores can have many devices. docs/tuning.md has the result.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.terminal import output_console
from tvm_mnv3.codegen.toolchain import compile_c, link_shared
from tvm_mnv3.devices.farm import Farm
from tvm_mnv3.targets import load_core
from tvm_mnv3.tuning.build import BuiltKernel, build_candidates, entry_object
from tvm_mnv3.tuning.candidate import of_template, template_of
from tvm_mnv3.tuning.remote_device import RemoteDevices
from tvm_mnv3.workload import Workload

_CORE = "cortex-a76"
_TRIPLE = "aarch64-linux-gnu.2.28"
_WORKLOAD = "pool_h7w7_c40_f32"
#: nanosleep is system call 101 of aarch64 (include/uapi/asm-generic/unistd.h). It writes no output, so that a trial
#: ends when its numbers were checked, after one run.
_SOURCE = """
void candidate0(void) {{
  struct {{ long seconds, nanoseconds; }} time = {{{seconds}, {nanoseconds}}};
  register const void *a __asm__("x0") = &time;
  register long b __asm__("x1") = 0;
  register long number __asm__("x8") = 101;
  __asm__ volatile("svc #0" : "+r"(a) : "r"(b), "r"(number) : "memory");
}}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark as the command line says; the exit code, 1 where the bar is missed."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        kernel = _sleeping_kernel(Path(folder), options.seconds)
        one, many = (_trials_per_minute(kernel, count, options.trials * count) for count in (1, options.count))
    out = output_console()
    out.print(f"1 device   {one:.1f} trials a minute, each of which sleeps {options.seconds:g} s")
    out.print(f"{options.count} devices  {many:.1f} trials a minute: {many / one:.2f} times as many")
    return 0 if many >= options.bar * one else 1


def _trials_per_minute(kernel: BuiltKernel, devices: int, trials: int) -> float:
    with Farm(_CORE, count=devices) as farm:
        host, port = farm.address
        pool = RemoteDevices(f"rpc://{host}:{port}/{farm.key}", _CORE)
        try:
            with ThreadPoolExecutor(pool.parallel) as threads:
                list(threads.map(pool.measure, [[kernel]] * devices))  # all processes have started then
                start = time.perf_counter()
                list(threads.map(pool.measure, [[kernel]] * trials))
                return 60 * trials / (time.perf_counter() - start)
        finally:
            pool.close()


def _sleeping_kernel(folder: Path, seconds: float) -> BuiltKernel:
    """A kernel of a template with code that sleeps in its place."""
    workload, core = Workload.parse(_WORKLOAD), load_core(_CORE)
    candidate = of_template(workload, template_of(workload).default(workload, core))
    (built,) = build_candidates([candidate], core, _TRIPLE, folder)
    assert isinstance(built, BuiltKernel), built
    source = folder / "sleep.c"
    whole = int(seconds)
    source.write_text(_SOURCE.format(seconds=whole, nanoseconds=round((seconds - whole) * 1e9)))
    objects = compile_c([source], triple=_TRIPLE, out=folder, extra=["-fvisibility=default"])
    library = link_shared(
        [*objects, entry_object(_TRIPLE)], triple=_TRIPLE, out=folder / "sleep.so",
        exports=["candidate0", "__tvm_ffi_candidate"], soname="sleep.so",
    )  # fmt: skip
    return dataclasses.replace(built, library=library)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tuning_farm", description="Counts the trials of one emulated device and of several."
    )
    parser.add_argument("--count", type=int, default=4, help="devices beside the one (4)")
    parser.add_argument("--seconds", type=float, default=2.0, help="that a kernel sleeps (2)")
    parser.add_argument("--trials", type=int, default=8, help="for each device (8)")
    parser.add_argument("--bar", type=float, default=3.5, help="times as many trials a minute as with one (3.5)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
