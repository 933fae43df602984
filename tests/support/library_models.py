"""The real networks of torchvision and timm, and weights made by a formula: what this project's are compared with."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import math
import zlib
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import nn

from tvm_mnv3.models import ModelEntry


def library_model(entry: ModelEntry, num_classes: int = 1000) -> nn.Module:
    """The library's own network in evaluation mode; skips the test where the library is not installed."""
    for library in {"torchvision", entry.family}:
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed, and {entry.name} is compared with its own")
    define_missing_operators()
    if entry.family == "timm":
        import timm

        network: nn.Module = timm.create_model(entry.name, pretrained=False, num_classes=num_classes)
        return network.eval()
    import torchvision

    build = getattr(torchvision.models, f"mobilenet_v3_{entry.variant}")
    network = build(weights=None, width_mult=entry.width, num_classes=num_classes)
    return network.eval()


@functools.cache
def define_missing_operators() -> torch.library.Library | None:
    """Lets torchvision be imported without its compiled half: no classifier calls the operators that it looks up."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor boxes, Tensor scores, float threshold) -> Tensor")
        library.define("qnms(Tensor boxes, Tensor scores, float threshold) -> Tensor")
        return library
    return None


def formula_state(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Values for a state dict's keys and shapes, from integer arithmetic alone: the same on every machine."""
    return {
        key: torch.from_numpy(
            _formula_values(key, tuple(tensor.shape), f"{key.rpartition('.')[0]}.running_var" in state)
        )
        for key, tensor in state.items()
        if not key.endswith("num_batches_tracked")
    }


def formula_picture(height: int, width: int) -> torch.Tensor:
    """An input (1, 3, height, width) between -2 and 2."""
    values = 4.0 * _unit_numbers("picture", 3 * height * width) - 2.0
    return torch.from_numpy(values.astype(np.float32).reshape(1, 3, height, width))


def shapes_digest(state: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 of the sorted lines ``key shape``."""
    lines = sorted(f"{key} {tuple(tensor.shape)}" for key, tensor in state.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def formula_logits(network: nn.Module, height: int, width: int) -> torch.Tensor:
    """The logits of `formula_picture` with `formula_state`."""
    network.load_state_dict(formula_state(network.state_dict()), strict=False)
    with torch.no_grad():
        logits: torch.Tensor = network(formula_picture(height, width))[0]
    return logits


def _formula_values(key: str, shape: tuple[int, ...], of_batch_norm: bool) -> np.ndarray:
    unit = _unit_numbers(key, math.prod(shape))
    name = key.rpartition(".")[2]
    if name == "running_var":
        values = 0.1 + 0.6 * unit  # Small enough for eps to matter.
    elif name == "weight" and of_batch_norm:
        values = 0.4 + 0.4 * unit
    elif name == "weight":
        limit = math.sqrt(4.0 / math.prod(shape[1:]))
        values = limit * (2.0 * unit - 1.0)
    else:
        values = unit - 0.5
    return values.astype(np.float32).reshape(shape)


def _unit_numbers(key: str, count: int) -> np.ndarray:
    """`count` numbers in [0, 1): a counter and the key's CRC through a 32-bit integer mixer (lowbias32)."""
    x = np.arange(count, dtype=np.uint32) + np.uint32(zlib.crc32(key.encode()))
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    return (x ^ (x >> np.uint32(16))).astype(np.float64) / 2.0**32
