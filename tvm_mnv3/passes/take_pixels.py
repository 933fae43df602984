"""TakePixels: let a network's input be the 8-bit pixels of a picture, and put the normalization into the network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tvm_mnv3.compat import Call, IRModule, relax
from tvm_mnv3.errors import InputError
from tvm_mnv3.passes.dataflow import SWEEP, dtype, shape


def take_pixels(module: IRModule, mean: Sequence[float], std: Sequence[float]) -> IRModule:
    """A module as imported, whose one input is uint8 ``(N, H, W, 3)`` instead of float32 ``(N, 3, H, W)``.

    Parameters
    ----------
    mean, std
        Per RGB channel, of values from 0 to 1: the old input is ``(pixels / 255 - mean) / std``.

    Raises
    ------
    InputError
        The network has another input.
    """
    main = module["main"]
    if len(main.params) != 1 or dtype(main.params[0]) != "float32" or not _is_picture(shape(main.params[0])):
        inputs = ", ".join(f"{p.name} {dtype(p)} {'x'.join(map(str, shape(p)))}" for p in main.params)
        raise InputError(
            f"--input pixels is for a network with one float32 input of N x 3 x H x W; this one has {inputs}."
        )
    batch, channels, height, width = shape(main.params[0])
    pixels = relax.Var(main.params[0].name, relax.TensorType((batch, height, width, channels), "uint8"))
    factor, offset = 1 / (255 * np.asarray(std, np.float64)), -np.asarray(mean, np.float64) / np.asarray(std)
    builder = relax.BlockBuilder()
    network = builder.add_func(main.without_attr("global_symbol"), "network")
    with builder.function("main", [pixels]):
        with builder.dataflow():
            values = builder.emit(relax.op.astype(pixels, "float32"))
            values = builder.emit(relax.op.permute_dims(values, [0, 3, 1, 2]))
            values = builder.emit(relax.op.multiply(values, _by_channel(factor)))
            values = builder.emit(relax.op.add(values, _by_channel(offset)))
            output = builder.emit_output(Call(network, [values]))
        builder.emit_func_output(output)
    joined = builder.get()
    return SWEEP(IRModule({"main": joined["main"].inline_functions({network: joined[network]})}))


def _is_picture(extents: tuple[int, ...]) -> bool:
    return len(extents) == 4 and extents[1] == 3


def _by_channel(constant: np.ndarray) -> relax.Expr:
    return relax.const(constant.astype(np.float32).reshape(-1, 1, 1))
