"""Converts a network to LiteRT's format: ``python -m benchmarks.litert_converter NAME SEED SHAPE FILE``.

Runs in an environment that has PyTorch and litert-torch, and need not have TVM; so it imports nothing of the project
but the networks.
"""

from __future__ import annotations

import sys

import litert_torch
import torch

from tvm_mnv3.models import build_model


def convert(name: str, seed: int, shape: tuple[int, ...], out: str) -> None:
    """Write the network of that name with random weights as a .tflite file.

    Parameters
    ----------
    shape
        Of the input, (N, C, H, W); the file's input is (N, H, W, C).
    """
    batch, channels, height, width = shape
    network = litert_torch.to_channel_last_io(build_model(name, seed=seed), args=[0])
    litert_torch.convert(network.eval(), (torch.zeros(batch, height, width, channels),)).export(out)


if __name__ == "__main__":
    _, name, seed, shape, out = sys.argv
    convert(name, int(seed), tuple(map(int, shape.split(","))), out)
