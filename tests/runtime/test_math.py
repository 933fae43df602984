"""The float functions of math.c, against NumPy's and SciPy's in double."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import doubler
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import erf

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.toolchain import compile_c, link_shared

#: NumPy warns of NaNs, which are part of what is tested.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered")

Floats = NDArray[np.float32]
ONE_ARGUMENT = ("expf", "logf", "tanhf", "erff", "truncf", "floorf", "ceilf", "roundf", "rintf", "nearbyintf")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("math")
    sources = [Path(__file__).with_name("apply.c"), runtime.FOLDER / "math.c"]
    objects = compile_c(sources, triple=doubler.HOST, out=folder)
    exports = [f"apply_{name}" for name in (*ONE_ARGUMENT, "powf")]
    return ctypes.CDLL(str(link_shared(objects, triple=doubler.HOST, out=folder / "m.so", exports=exports, soname="m")))


def apply(library: ctypes.CDLL, name: str, *arguments: Floats) -> Floats:
    arrays = [np.ascontiguousarray(array) for array in arguments]
    result = np.empty_like(arrays[0])
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (*arrays, result)]
    library[f"apply_{name}"](*pointers, ctypes.c_size_t(result.size))
    return result


def every_float(step: int) -> Floats:
    """One float of every `step`: all signs and magnitudes, subnormals, infinities and NaNs."""
    return np.arange(0, 2**32, step, dtype=np.uint64).astype(np.uint32).view(np.float32)


def units_in_the_last_place(got: Floats, true: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far `got` is from the truth, in spacings of floats there; infinite where only one is finite."""
    with np.errstate(all="ignore"):
        nearest = true.astype(np.float32)
        spacing = np.spacing(np.abs(nearest)).astype(np.float64)
        distance = np.abs(got.astype(np.float64) - true) / spacing
    same = (got == nearest) | (np.isnan(got) & np.isnan(nearest))
    return np.where(same, 0.0, np.where(np.isfinite(distance), distance, np.inf))


@pytest.mark.parametrize(
    ("name", "truth"),
    [("expf", np.exp), ("logf", np.log), ("tanhf", np.tanh), ("erff", erf)],
)
def test_every_kind_of_float_is_within_one_unit_in_the_last_place(
    library: ctypes.CDLL, name: str, truth: Callable[[Any], Any]
) -> None:
    x = np.concatenate([every_float(4099), np.linspace(-12, 12, 200_001, dtype=np.float32)])
    with np.errstate(all="ignore"):
        true = truth(x.astype(np.float64))

    assert units_in_the_last_place(apply(library, name, x), true).max() <= 1.0


def test_powers_are_within_one_unit_in_the_last_place(library: ctypes.CDLL) -> None:
    generator = np.random.default_rng(0)
    x = np.concatenate([generator.choice(every_float(997), 500_000), generator.uniform(0, 4, 500_000)])
    y = np.concatenate([generator.choice(every_float(991), 500_000), generator.uniform(-30, 30, 500_000)])
    x, y = x.astype(np.float32), y.astype(np.float32)
    with np.errstate(all="ignore"):
        true = np.power(x.astype(np.float64), y.astype(np.float64))

    assert units_in_the_last_place(apply(library, "powf", x, y), true).max() <= 1.0


def test_powers_of_special_values_are_those_of_c99(library: ctypes.CDLL) -> None:
    """Python's math.pow follows annex F, but raises where C returns infinity or NaN."""
    values = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        2.0,
        -2.0,
        3.0,
        -3.0,
        0.5,
        -0.5,
        2.0**24,
        2.0**24 - 1,
        math.inf,
        -math.inf,
        math.nan,
    ]
    pairs = np.array([(x, y) for x in values for y in values], np.float32)
    with np.errstate(all="ignore"):
        true = np.power(pairs[:, 0].astype(np.float64), pairs[:, 1].astype(np.float64)).astype(np.float32)

    got = apply(library, "powf", pairs[:, 0], pairs[:, 1])
    np.testing.assert_array_equal(got, true)
    assert (np.signbit(got) == np.signbit(true))[~np.isnan(true)].all()


@pytest.mark.parametrize("name", ["expf", "logf", "tanhf", "erff"])
def test_the_ends_of_the_range(library: ctypes.CDLL, name: str) -> None:
    x = np.array([0.0, -0.0, 1.0, math.inf, -math.inf, math.nan, -1.0], np.float32)
    with np.errstate(all="ignore"):
        truth = {"expf": np.exp, "logf": np.log, "tanhf": np.tanh, "erff": erf}[name](x)

    got = apply(library, name, x)
    np.testing.assert_allclose(got, truth, rtol=1e-6)
    assert (np.signbit(got) == np.signbit(truth))[~np.isnan(truth)].all()


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("truncf", np.trunc),
        ("floorf", np.floor),
        ("ceilf", np.ceil),
        ("rintf", np.rint),
        ("nearbyintf", np.rint),
        ("roundf", lambda x: np.copysign(np.floor(np.abs(x.astype(np.float64)) + 0.5), x).astype(np.float32)),
    ],
)
def test_rounding_is_exact_and_keeps_the_sign_of_zero(
    library: ctypes.CDLL, name: str, truth: Callable[[Floats], Floats]
) -> None:
    halves = np.arange(-1000, 1001, dtype=np.float32) / 2
    near = np.nextafter(halves, np.float32(math.inf)), np.nextafter(halves, np.float32(-math.inf))
    x = np.concatenate([every_float(4099), halves, *near])
    got, true = apply(library, name, x), truth(x)

    np.testing.assert_array_equal(got, true)
    assert (np.signbit(got) == np.signbit(true))[~np.isnan(x)].all()
