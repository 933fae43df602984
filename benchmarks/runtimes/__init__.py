"""The runtimes that are compared, one per file; each is a `runtime.Runtime`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from benchmarks.runtimes.runtime import Runtime

#: The project's own name among the runtimes.
OURS = "tvm-mnv3"

#: The module of each runtime, by the name that the table gives it; in the order in which they take turns.
MODULES: Mapping[str, str] = {
    OURS: "tvm_mnv3_bundle",
    "onnxruntime": "onnx_runtime",
    "openvino": "openvino_cpu",
    "litert": "litert_xnnpack",
    "ncnn": "ncnn_cpu",
    "pytorch-eager": "pytorch_eager",
    "pytorch-inductor": "pytorch_inductor",
    "tvm-default": "tvm_default",
}


def import_runtime(name: str) -> Runtime:
    """The runtime of that name.

    Raises
    ------
    ImportError
        It is not installed.
    """
    return cast(Runtime, import_module(f"benchmarks.runtimes.{MODULES[name]}"))
