"""OpenVINO on its CPU plugin."""

from __future__ import annotations

import numpy as np
import openvino

from benchmarks.network import Network
from benchmarks.runtimes.runtime import Array, Session


def version() -> str:
    """OpenVINO's version."""
    return str(openvino.__version__).split("-")[0]


def load(network: Network, threads: int) -> Session:
    """One stream for latency, in float32: by itself it takes bfloat16 where the CPU has it."""
    core = openvino.Core()
    compiled = core.compile_model(
        core.read_model(str(network.onnx)),
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(threads),
        },
    )
    return _RequestSession(compiled.create_infer_request(), network.input)


class _RequestSession(Session):
    def __init__(self, request: openvino.InferRequest, picture: Array) -> None:
        self._request = request
        self._picture = picture
        request.set_input_tensor(openvino.Tensor(picture, shared_memory=True))

    def run(self) -> None:
        self._request.infer(share_outputs=True)

    def output(self) -> Array:
        return np.array(self._request.get_output_tensor().data)
