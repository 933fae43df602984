"""An ARM core under qemu-user: the same library, the same instructions, the same bits as on a phone.

Its wall time says nothing about a phone's, so there is no way to ask for it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from tvm_mnv3.devices.device import Array, Session, check_threads
from tvm_mnv3.devices.helpers import runner_program
from tvm_mnv3.devices.model_file import CallableModel, read_model
from tvm_mnv3.errors import EnvironmentProblem, InputError

#: For each core the emulated ones that have its instructions, the nearest first; what an older QEMU lacks is passed
#: over, and ``max`` (every instruction) is the last resort. QEMU's own: docs/system/arm/virt.rst.
_STAND_INS = {
    "armv8-a": ("cortex-a53",),
    "cortex-a53": ("cortex-a53",),
    "cortex-a55": ("cortex-a55", "cortex-a76"),
    "cortex-a72": ("cortex-a72",),
    "cortex-a73": ("cortex-a73", "cortex-a72"),
    "cortex-a76": ("cortex-a76",),
    "cortex-a78": ("cortex-a78", "cortex-a76"),
    "cortex-x1": ("cortex-x1", "cortex-a76"),
    "neoverse-n1": ("neoverse-n1",),
}


@dataclass(frozen=True)
class Loader:
    """How a program of one libc starts under the emulator.

    Parameters
    ----------
    triple
        Of programs that it loads.
    arguments
        Of the emulator's command line, before the program.
    """

    triple: str
    arguments: tuple[str, ...]


def find_emulator() -> str:
    """The path of qemu-aarch64.

    Raises
    ------
    EnvironmentProblem
        There is none; the message says what to install.
    """
    for name in ("qemu-aarch64", "qemu-aarch64-static"):
        if found := shutil.which(name):
            return found
    raise EnvironmentProblem(
        "The emulator qemu-aarch64 is missing. On Debian and Ubuntu install it with "
        "`apt-get install qemu-user libc6-arm64-cross`."
    )


def glibc_loader() -> Loader:
    """glibc, from the folder in ``TVM_MNV3_ARM64_GLIBC`` or where Debian's cross packages put it."""
    root = Path(os.environ.get("TVM_MNV3_ARM64_GLIBC", "/usr/aarch64-linux-gnu"))
    if not (root / "lib" / "ld-linux-aarch64.so.1").exists():
        raise EnvironmentProblem(
            f"The 64-bit ARM glibc is missing: {root} has no lib/ld-linux-aarch64.so.1. On Debian and Ubuntu install "
            "it with `apt-get install libc6-arm64-cross`, or set TVM_MNV3_ARM64_GLIBC to a folder that has it."
        )
    return Loader("aarch64-linux-gnu.2.28", ("-L", str(root)))


def musl_loader() -> Loader:
    """musl, from the file in ``TVM_MNV3_ARM64_MUSL`` or where its package puts it."""
    file = Path(os.environ.get("TVM_MNV3_ARM64_MUSL", "/lib/ld-musl-aarch64.so.1"))
    if not file.exists():
        raise EnvironmentProblem(
            f"The 64-bit ARM musl is missing: there is no {file}. On Debian install it with `dpkg "
            "--add-architecture arm64 && apt-get update && apt-get install musl:arm64`, or set TVM_MNV3_ARM64_MUSL to "
            "its ld-musl-aarch64.so.1."
        )
    # The loader is a program too: started by hand it need not lie where programs expect it.
    return Loader("aarch64-linux-musl", (str(file),))


_LOADERS = {"glibc": glibc_loader, "musl": musl_loader}


class EmulatedDevice:
    """An emulated core.

    Parameters
    ----------
    core
        A core of `tvm_mnv3.targets.core_names`.
    libc
        ``glibc`` or ``musl``: under which the library is loaded.
    """

    def __init__(self, core: str, libc: str = "glibc") -> None:
        self.name = f"emulated:{core}"
        self._core = core
        self._libc = libc

    def open(self, bundle: Path) -> EmulatedSession:
        """Start nothing yet: each run is a process of its own (see `Device.open`)."""
        model = read_model(bundle)
        if model.machine != "aarch64":
            raise InputError(
                f"The bundle {bundle} is compiled for {model.machine}, and {self.name} is a 64-bit ARM core. Run it on "
                "local, or compile the model with --target arm."
            )
        emulator = find_emulator()
        loader = _LOADERS[self._libc]()
        launcher = (emulator, "-cpu", stand_in(self._core, emulator), *loader.arguments)
        return EmulatedSession(model, self._core, launcher, loader.triple)


class EmulatedSession(Session):
    """A bundle, and the command line that starts a program of that triple on the core."""

    def __init__(self, model: CallableModel, core: str, launcher: tuple[str, ...], triple: str) -> None:
        super().__init__(model.inputs, model.outputs)
        self._model = model
        self._core = core
        self._launcher = launcher
        self._triple = triple
        self._command = self.command_of(runner_program)

    def command_of(self, program: Callable[[str], Path]) -> tuple[str, ...]:
        """The command line that starts a program of `tvm_mnv3.devices.helpers` on the core."""
        return (*self._launcher, str(program(self._triple)))

    def run_many(self, samples: Sequence[Sequence[Array]], threads: int = 1) -> list[list[Array]]:
        check_threads(threads)
        with tempfile.TemporaryDirectory() as folder:
            given, got = Path(folder, "inputs"), Path(folder, "outputs")
            with given.open("wb") as file:
                for sample in samples:
                    file.writelines(array.tobytes() for array in self._checked(sample))
            model = (str(self._model.library), self._model.prefix)
            done = subprocess.run(
                [*self._command, *model, str(threads), "1", str(given), str(got)],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            )  # fmt: skip
            if done.returncode != 0:
                raise self._failure(done)
            return self._split(got.read_bytes(), len(samples))

    def close(self) -> None:
        """Nothing stays open between runs."""

    def _split(self, data: bytes, samples: int) -> list[list[Array]]:
        """The runner's output file: all outputs of the first sample, then of the next."""
        results, offset = [], 0
        for _ in range(samples):
            outputs = []
            for spec in self.outputs:
                count = int(np.prod(spec.shape, dtype=np.int64))
                array: Array = np.frombuffer(data, spec.dtype, count, offset).reshape(spec.shape).copy()
                outputs.append(array)
                offset += array.nbytes
            results.append(outputs)
        return results

    def _failure(self, done: subprocess.CompletedProcess[str]) -> Exception:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        # qemu dies of the guest's signal; a shell would add 128.
        if done.returncode in (-signal.SIGILL, 128 + signal.SIGILL):
            return InputError(
                f"The library {self._model.library} uses an instruction that {self._core} does not have; run it on a "
                "newer core, or compile the model with --core for this one."
            )
        kind = InputError if done.returncode == 2 else EnvironmentProblem
        return kind(f"The emulated run of {self._model.library} failed (exit {done.returncode}): {said}.")


@cache
def stand_in(core: str, emulator: str) -> str:
    """What to tell the emulator for `core`."""
    listed = subprocess.run([emulator, "-cpu", "help"], capture_output=True, text=True).stdout.split()
    return next((name for name in _STAND_INS.get(core, ()) if name in listed), "max")
