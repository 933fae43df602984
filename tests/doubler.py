"""A bundle of the hand-written model in ``doubler.c``, made by the real toolchain for any machine."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.toolchain import compile_c, embed_binary, link_shared

HOST = f"{platform.machine()}-linux-gnu.2.28"
ARM = "aarch64-linux-musl"
EXPORTS = ("doubler_context_size", "doubler_model", "doubler_run")
WEIGHTS: NDArray[np.float32] = np.arange(16, dtype=np.float32) / np.float32(4)


def build_library(folder: Path, triple: str) -> Path:
    """``libdoubler.so`` for `triple`."""
    here = Path(__file__).parent
    sources = [here / "doubler.c", *runtime.LIBRARY_SOURCES]
    objects = compile_c(sources, triple=triple, out=folder / "objects", include=[here, runtime.FOLDER])
    weights = embed_binary(
        WEIGHTS.tobytes(), symbol="doubler_weights", triple=triple, out=folder / "objects" / "weights.o"
    )
    library = folder / "libdoubler.so"
    return link_shared([*objects, weights], triple=triple, out=library, exports=EXPORTS, soname=library.name)


def build_bundle(folder: Path, triple: str) -> Path:
    """A bundle, in the part of it that devices read."""
    library = build_library(folder, triple)
    vector = {"shape": [1, 1000], "dtype": "float32"}
    manifest = {
        "prefix": "doubler",
        "library": library.name,
        "target": {"kind": "arm" if triple == ARM else "host", "triple": triple, "core": "cortex-a76"},
        "inputs": [{"name": "x", **vector}, {"name": "n", "shape": [1], "dtype": "int32"}],
        "outputs": [{"name": "y", **vector}, {"name": "z", "shape": [], "dtype": "float32"}],
    }
    (folder / "model.json").write_text(json.dumps(manifest))
    return folder


def sample(seed: int) -> list[NDArray[Any]]:
    """Inputs."""
    generator = np.random.default_rng(seed)
    return [generator.standard_normal((1, 1000), dtype=np.float32), np.array([seed % 5], np.int32)]


def expected(inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """What the model makes of them."""
    x, n = inputs
    y = 2 * x + np.resize(WEIGHTS, (1, 1000))
    return [y, np.exp(n.astype(np.float64)).astype(np.float32).reshape(())]
