"""ONNX Runtime on its CPU provider, with input and output bound."""

from __future__ import annotations

import onnxruntime

from benchmarks.network import Network
from benchmarks.runtimes.runtime import Array, Session


def version() -> str:
    """ONNX Runtime's version."""
    return str(onnxruntime.__version__)


def load(network: Network, threads: int) -> Session:
    """All graph optimizations, spinning threads: the defaults, written down."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(network.onnx), options, providers=["CPUExecutionProvider"])
    return _BoundSession(session, network.input)


class _BoundSession(Session):
    def __init__(self, session: onnxruntime.InferenceSession, picture: Array) -> None:
        self._session = session
        self._binding = session.io_binding()
        self._binding.bind_cpu_input(session.get_inputs()[0].name, picture)
        self._binding.bind_output(session.get_outputs()[0].name)
        # The binding keeps a pointer only.
        self._picture = picture

    def run(self) -> None:
        self._session.run_with_iobinding(self._binding)

    def output(self) -> Array:
        logits: Array = self._binding.copy_outputs_to_cpu()[0]
        return logits
