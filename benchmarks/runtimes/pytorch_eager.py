"""PyTorch, layer by layer."""

from __future__ import annotations

from collections.abc import Callable

import torch

from benchmarks.network import Network
from benchmarks.runtimes.runtime import Array, Session


def version() -> str:
    """PyTorch's version."""
    return torch.__version__


def load(network: Network, threads: int) -> Session:
    """The module as it is, in inference mode, channels last: the faster of its two layouts here."""
    use_float32(threads)
    return ModuleSession(network.build().to(memory_format=torch.channels_last), network.input)  # type: ignore[call-overload]


def use_float32(threads: int) -> None:
    """Leave nothing to bfloat16, and compute on that many threads."""
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("highest")


class ModuleSession(Session):
    """A module, or what a compiler made of one, with its input in channels-last order."""

    def __init__(self, module: Callable[[torch.Tensor], torch.Tensor], picture: Array) -> None:
        self._module = module
        self._picture = torch.from_numpy(picture).to(memory_format=torch.channels_last)
        self._logits = torch.empty(0)

    def run(self) -> None:
        with torch.inference_mode():
            self._logits = self._module(self._picture)

    def output(self) -> Array:
        logits: Array = self._logits.numpy()
        return logits
