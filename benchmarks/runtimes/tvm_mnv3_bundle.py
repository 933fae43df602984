"""This project: the bundle that ``compile`` writes, run as it ships."""

from __future__ import annotations

import tempfile
from pathlib import Path

import tvm_mnv3
from benchmarks.network import SEED, Network
from benchmarks.runtimes.runtime import Array, Session
from tvm_mnv3 import CompileOptions, compile_model
from tvm_mnv3.devices.local import LocalDevice, LocalSession


def version() -> str:
    """The project's version."""
    return tvm_mnv3.__version__


def load(network: Network, threads: int) -> Session:
    """Compile anew: the compiler is what is measured, so nothing of an older one is kept."""
    with tempfile.TemporaryDirectory() as folder:
        options = CompileOptions(
            network.name, output=Path(folder, "bundle"), target="host", weights="random", seed=SEED
        )
        return _BundleSession(LocalDevice().open(compile_model(options).path), network, threads)


class _BundleSession(Session):
    def __init__(self, session: LocalSession, network: Network, threads: int) -> None:
        self._session = session
        self._inputs = [network.input]
        self._threads = threads
        self._outputs = [network.input]

    def run(self) -> None:
        self._outputs = self._session.run(self._inputs, threads=self._threads)

    def output(self) -> Array:
        return self._outputs[0]

    def time(self, repeats: int) -> list[float]:
        # The session's own clock leaves out the checks of the inputs, as the others' bound inputs do.
        return self._session.time(self._inputs, threads=self._threads, warmup=0, repeats=repeats)
