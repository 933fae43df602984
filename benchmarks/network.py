"""`Network`: what all runtimes run: the project's own module with random weights, one input, PyTorch's answer."""

from __future__ import annotations

import hashlib
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchmarks.artifacts import artifacts_folder
from tvm_mnv3.codegen.files import replacing
from tvm_mnv3.models import build_model, find_model

if TYPE_CHECKING:
    from torch import nn

#: Of the random weights.
SEED = 0
#: Of the input: batch 1, three channels, height, width.
INPUT_SHAPE = (1, 3, 224, 224)


@dataclass(frozen=True)
class Network:
    """One network in a folder of its own, which every runtime may add its converted files to.

    Parameters
    ----------
    name
        As of `tvm_mnv3.models`.
    folder
        Its name holds a hash of the weights, so files of other weights are never read.
    """

    name: str
    folder: Path

    @property
    def input(self) -> npt.NDArray[np.float32]:
        """A picture of noise, float32 (1, 3, 224, 224)."""
        return np.random.default_rng(SEED).standard_normal(INPUT_SHAPE).astype(np.float32)

    @property
    def expected(self) -> npt.NDArray[np.float32]:
        """PyTorch's logits for that input, float32 (1, 1000)."""
        logits: npt.NDArray[np.float32] = np.load(self.folder / "expected.npy")
        return logits

    @property
    def onnx(self) -> Path:
        """The network as an ONNX file."""
        return self.folder / "network.onnx"

    @property
    def multiply_adds(self) -> int:
        """Of one inference, counted as the paper counts."""
        return find_model(self.name).counts(height=INPUT_SHAPE[2], width=INPUT_SHAPE[3]).multiply_adds

    def build(self) -> nn.Module:
        """The PyTorch module in evaluation mode."""
        return build_model(self.name, seed=SEED)


def prepare_network(name: str) -> Network:
    """Make the network's folder with PyTorch's answer and the ONNX file, where that was not done before.

    Raises
    ------
    InputError
        There is no network of that name.
    """
    import torch

    module = build_model(name, seed=SEED)
    network = Network(name, artifacts_folder() / f"{name}-{_digest(module)}-torch{torch.__version__}")
    if not network.onnx.exists():
        network.folder.mkdir(exist_ok=True)
        picture = torch.from_numpy(network.input)
        with torch.no_grad():
            logits = module(picture).numpy()
        with replacing(network.folder / "expected.npy") as unfinished, open(unfinished, "wb") as file:
            np.save(file, logits)
        with replacing(network.onnx) as unfinished:
            _export(module, picture, unfinished)
    return network


def _export(module: nn.Module, picture: Any, path: Path) -> None:
    import torch

    with warnings.catch_warnings():
        # Of PyTorch's own modules about each other.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, (picture,), os.fspath(path), input_names=["input"], output_names=["logits"], dynamo=True,
            external_data=False, verbose=False,
        )  # fmt: skip


def _digest(module: nn.Module) -> str:
    """Twelve hexadecimal digits that change with any weight."""
    digest = hashlib.sha256()
    for key, tensor in sorted(module.state_dict().items()):
        digest.update(key.encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()[:12]
