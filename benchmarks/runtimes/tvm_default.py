"""TVM by itself: the same network through Relax's default pipeline, as its documentation builds a model."""

from __future__ import annotations

from importlib.metadata import version as version_of

import numpy as np
import onnx
from tvm.relax.frontend.onnx import from_onnx

from benchmarks.network import Network
from benchmarks.runtimes.runtime import Array, Session
from tvm_mnv3.codegen.object_code import llvm_target
from tvm_mnv3.compat import relax, tvm
from tvm_mnv3.targets import load_core


def version() -> str:
    """TVM's version."""
    return version_of("apache-tvm")


def load(network: Network, threads: int) -> Session:
    """Compiled for this machine's instructions. TVM_NUM_THREADS holds the number of threads already."""
    module = from_onnx(onnx.load(network.onnx), keep_params_in_input=False)
    core = load_core("host")
    executable = tvm.compile(module, target=llvm_target(core, f"{core.isa}-linux-gnu"))
    return _MachineSession(relax.VirtualMachine(executable, tvm.cpu()), network.input)


class _MachineSession(Session):
    def __init__(self, machine: relax.VirtualMachine, picture: Array) -> None:
        self._main = machine["main"]
        self._picture = tvm.runtime.tensor(picture)
        self._logits = self._picture

    def run(self) -> None:
        logits = self._main(self._picture)
        self._logits = logits if hasattr(logits, "numpy") else logits[0]

    def output(self) -> Array:
        return np.asarray(self._logits.numpy())
