"""PyTorch's compiler with freezing: weights are constants, batch norm is folded, layers are packed for oneDNN."""

from __future__ import annotations

import os

import torch

from benchmarks.artifacts import artifacts_folder
from benchmarks.network import Network
from benchmarks.runtimes.pytorch_eager import ModuleSession, use_float32
from benchmarks.runtimes.runtime import Session


def version() -> str:
    """PyTorch's version."""
    return torch.__version__


def load(network: Network, threads: int) -> Session:
    """Compile for this many threads; PyTorch needs a C++ compiler for that."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(artifacts_folder() / "inductor")
    import torch._inductor.config as inductor

    inductor.freezing = True
    use_float32(threads)
    module = network.build().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    session = ModuleSession(torch.compile(module, dynamic=False), network.input)
    session.run()
    return session
