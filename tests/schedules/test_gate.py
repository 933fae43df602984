"""The gate of h-swish: the same function in vectors of every width, exact where it closes and where it is open."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.kernels import TRIPLE

from tvm_mnv3.codegen.lowering import lower
from tvm_mnv3.codegen.object_code import llvm_target, write_object
from tvm_mnv3.codegen.toolchain import link_shared
from tvm_mnv3.compat import T, tirx
from tvm_mnv3.schedules.gate import gate
from tvm_mnv3.targets import load_core

#: Where the gate is closed and open, the edges and their neighbours, zeros of both signs, what is no number.
SPECIAL = (-1e30, -7.5, -3.0, np.nextafter(-3, 0), -0.0, 0.0, 1e-30, np.nextafter(3, 0), 3.0, 7.5, 1e30, np.inf, np.nan)
COUNT = 4096
HOST = load_core("host")


def kernel(lanes: int) -> tirx.PrimFunc:
    """The gate of `COUNT` values, so many at a time."""

    @T.prim_func(s_tir=True)
    def gates(data: T.Buffer((COUNT,), "float32"), output: T.Buffer((COUNT,), "float32")):
        for block in range(COUNT // lanes):
            for lane in T.vectorized(lanes):
                output[block * lanes + lane] = gate(data[block * lanes + lane], "float32")

    return gates


def run(lanes: int, data: np.ndarray[Any, Any], folder: Path) -> np.ndarray[Any, Any]:
    target = llvm_target(HOST, TRIPLE)
    write_object([lower(kernel(lanes), "gates", target)], target, folder / "gates.o")
    library = link_shared(
        [folder / "gates.o"], triple=TRIPLE, out=folder / "libgates.so", exports=["gates"], soname="libgates.so"
    )
    output = np.full_like(data, np.nan)
    ctypes.CDLL(str(library)).gates(*(ctypes.c_void_p(array.ctypes.data) for array in (data, output)), 0, 1)
    return output


@pytest.mark.parametrize("lanes", [1, 4, 8, 16])
def test_the_gate_is_clamped_and_within_a_rounding_of_its_definition(lanes: int, tmp_path: Path) -> None:
    if lanes * 32 > HOST.vector_bits:
        pytest.skip("this machine has no vectors of so many lanes")
    data = np.random.default_rng(0).uniform(-4, 4, COUNT).astype(np.float32)
    data[: len(SPECIAL)] = SPECIAL
    output = run(lanes, data, tmp_path)
    numbers = ~np.isnan(data)
    expected = np.clip(data[numbers].astype(np.float64) / 6 + 0.5, 0, 1)
    np.testing.assert_allclose(output[numbers], expected, rtol=0, atol=1.2e-7)
    assert (output[data <= -3] == 0).all()
    assert output[numbers].max() <= 1
    # A value that is no number gives h-swish none, whatever its gate.
    assert np.isnan(data * output)[~numbers].all()
