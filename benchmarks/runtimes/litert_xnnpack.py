"""LiteRT (formerly TensorFlow Lite), which hands the whole network to XNNPACK.

The converter, litert-torch, does not stand beside TVM in one environment: their requirements of typing_extensions
exclude each other. So it runs in an environment of its own; docs/benchmarks.md says how to make it.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from importlib.metadata import version as version_of
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from benchmarks.artifacts import artifacts_folder
from benchmarks.network import INPUT_SHAPE, SEED, Network
from benchmarks.runtimes.runtime import Array, MissingRuntime, Session
from tvm_mnv3.codegen.files import replacing

#: Names the Python interpreter that has litert-torch.
CONVERTER_VARIABLE = "TVM_MNV3_LITERT_PYTHON"
_CHECKOUT = Path(__file__).resolve().parents[2]


def version() -> str:
    """LiteRT's version."""
    return version_of("ai-edge-litert")


def load(network: Network, threads: int) -> Session:
    """An interpreter with its default delegate, XNNPACK, in float32."""
    interpreter = Interpreter(model_path=str(_converted(network)), num_threads=threads)
    interpreter.allocate_tensors()
    return _InterpreterSession(interpreter, network.input)


class _InterpreterSession(Session):
    def __init__(self, interpreter: Interpreter, picture: Array) -> None:
        self._interpreter = interpreter
        # NHWC is what its networks take by nature; NCHW would cost it a transpose in every run.
        nhwc = np.ascontiguousarray(picture.transpose(0, 2, 3, 1))
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], nhwc)
        self._output = interpreter.get_output_details()[0]["index"]

    def run(self) -> None:
        self._interpreter.invoke()

    def output(self) -> Array:
        logits: Array = self._interpreter.get_tensor(self._output)
        return logits


def _converted(network: Network) -> Path:
    """The network as a .tflite file that takes NHWC."""
    final = network.folder / "network.tflite"
    if not final.exists():
        with replacing(final) as unfinished:
            _convert(network.name, unfinished)
    return final


def _convert(name: str, out: Path) -> None:
    command = [_converter_python(), "-m", "benchmarks.litert_converter", name, str(SEED)]
    command += [",".join(map(str, INPUT_SHAPE)), str(out)]
    environment = {**os.environ, "PYTHONPATH": str(_CHECKOUT)}
    done = subprocess.run(command, cwd=_CHECKOUT, env=environment, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0 or not out.exists():
        raise MissingRuntime(f"its converter (benchmarks/litert_converter.py) failed with exit code {done.returncode}")


def _converter_python() -> str:
    """The interpreter of the environment that has litert-torch."""
    own = artifacts_folder() / "litert-torch" / "bin" / "python"
    if CONVERTER_VARIABLE in os.environ:
        return os.environ[CONVERTER_VARIABLE]
    if own.exists():
        return str(own)
    if importlib.util.find_spec("litert_torch") is not None:
        return sys.executable
    raise MissingRuntime(
        f"its converter litert-torch is not installed: make an environment for it (docs/benchmarks.md) "
        f"and name its interpreter in the variable {CONVERTER_VARIABLE}"
    )
