"""ncnn on the CPU, with the network converted by pnnx."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tempfile
from importlib.metadata import version as version_of
from pathlib import Path

import ncnn
import numpy as np

from benchmarks.network import INPUT_SHAPE, Network
from benchmarks.runtimes.runtime import Array, MissingRuntime, Session

#: What would compute or keep numbers in less than float32.
_HALF_PRECISION = ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage", "use_bf16_packed")


def version() -> str:
    """ncnn's version."""
    return version_of("ncnn")


def load(network: Network, threads: int) -> Session:
    """ncnn's own defaults (packed layouts, Winograd where it thinks so), in float32."""
    folder = _converted(network)
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_vulkan_compute = False
    for option in _HALF_PRECISION:
        if hasattr(net.opt, option):
            setattr(net.opt, option, False)
    if net.load_param(str(folder / "network.param")) or net.load_model(str(folder / "network.bin")):
        raise MissingRuntime("it does not load what pnnx made")
    return _NetSession(net, network.input)


class _NetSession(Session):
    def __init__(self, net: ncnn.Net, picture: Array) -> None:
        self._net = net
        # Without the batch, as ncnn knows none; a copy of its own, as a Mat over NumPy's memory keeps no reference.
        self._picture = ncnn.Mat(np.ascontiguousarray(picture[0])).clone()
        self._logits = ncnn.Mat()

    def run(self) -> None:
        extractor = self._net.create_extractor()
        extractor.input("in0", self._picture)
        _, self._logits = extractor.extract("out0")

    def output(self) -> Array:
        return np.array(self._logits).reshape(1, -1)


def _converted(network: Network) -> Path:
    """A folder with network.param and network.bin."""
    final = network.folder / "ncnn"
    if not final.exists():
        with tempfile.TemporaryDirectory(dir=network.folder) as temporary:
            made = Path(temporary, "ncnn")
            made.mkdir()
            _convert(network, made)
            shutil.move(made, final)
    return final


def _convert(network: Network, folder: Path) -> None:
    import torch

    program = _pnnx()
    traced = folder / "network.pt"
    module = torch.jit.trace(network.build(), torch.from_numpy(network.input))  # type: ignore[no-untyped-call]
    module.save(str(traced))
    shape = ",".join(map(str, INPUT_SHAPE))
    command = [
        str(program), traced.name, f"inputshape=[{shape}]", "fp16=0",
        "ncnnparam=network.param", "ncnnbin=network.bin", "ncnnpy=ncnn.py",
        "pnnxparam=pnnx.param", "pnnxbin=pnnx.bin", "pnnxpy=pnnx.py", "pnnxonnx=pnnx.onnx",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0 or not (folder / "network.bin").exists():
        raise MissingRuntime(f"its converter pnnx failed with exit code {done.returncode}")


def _pnnx() -> Path:
    """The program in the package pnnx, which need not be imported for that."""
    spec = importlib.util.find_spec("pnnx")
    if spec is None or spec.origin is None:
        raise MissingRuntime("its converter is not installed; `pip install pnnx` brings it")
    return Path(spec.origin).with_name("pnnx")
