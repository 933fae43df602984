"""What holds of every device, on the hand-written model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import doubler
import numpy as np
import pytest

from tvm_mnv3.devices import Device, Session, open_device
from tvm_mnv3.devices.emulated import EmulatedDevice
from tvm_mnv3.errors import InputError


def local(request: pytest.FixtureRequest) -> tuple[Device, Path]:
    return open_device("local"), request.getfixturevalue("doubler_host")


def under_glibc(request: pytest.FixtureRequest) -> tuple[Device, Path]:
    request.getfixturevalue("emulator")
    return open_device("emulated:cortex-a76"), request.getfixturevalue("doubler_arm")


def under_musl(request: pytest.FixtureRequest) -> tuple[Device, Path]:
    request.getfixturevalue("musl")
    return EmulatedDevice("cortex-a53", libc="musl"), request.getfixturevalue("doubler_arm")


Place = Callable[[pytest.FixtureRequest], tuple[Device, Path]]
PLACES = [local, *(pytest.param(place, marks=pytest.mark.emulated) for place in (under_glibc, under_musl))]


@pytest.fixture(params=PLACES)
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    place: Place = request.param
    device, bundle = place(request)
    with device.open(bundle) as opened:
        yield opened


@pytest.mark.parametrize("threads", [1, 4])
def test_outputs_have_the_models_values_shapes_and_dtypes(session: Session, threads: int) -> None:
    inputs = doubler.sample(3)

    for got, expected, spec in zip(
        session.run(inputs, threads), doubler.expected(inputs), session.outputs, strict=True
    ):
        assert (got.shape, got.dtype) == (spec.shape, np.dtype(spec.dtype))
        np.testing.assert_array_equal(got, expected)


def test_many_samples_come_back_in_order_and_stay_apart(session: Session) -> None:
    samples = [doubler.sample(seed) for seed in range(5)]

    for outputs, inputs in zip(session.run_many(samples), samples, strict=True):
        for got, expected in zip(outputs, doubler.expected(inputs), strict=True):
            np.testing.assert_array_equal(got, expected)


def test_no_sample_gives_no_result(session: Session) -> None:
    assert session.run_many([]) == []


def test_an_input_that_is_not_dense_is_read_in_its_own_order(session: Session) -> None:
    x, n = doubler.sample(1)
    backwards = x[:, ::-1]

    np.testing.assert_array_equal(session.run([backwards, n])[0], doubler.expected([backwards, n])[0])


def test_inputs_of_another_shape_or_dtype_are_named(session: Session) -> None:
    x, n = doubler.sample(1)

    with pytest.raises(InputError, match="input x is float32 of shape 1x1000, but float64 of shape 1x1000"):
        session.run([x.astype(np.float64), n])
    with pytest.raises(InputError, match="input n is int32 of shape 1, but int32 of shape 1x1"):
        session.run([x, n.reshape(1, 1)])
    with pytest.raises(InputError, match=r"takes 2 inputs \(x, n\), but 1 were given"):
        session.run([x])


@pytest.mark.parametrize("threads", [0, -1, 65])
def test_a_number_of_threads_out_of_range_is_refused(session: Session, threads: int) -> None:
    with pytest.raises(InputError, match=f"from 1 to 64, not {threads}"):
        session.run(doubler.sample(1), threads)


def test_closing_twice_is_allowed(session: Session) -> None:
    session.run(doubler.sample(1), threads=2)
    session.close()
    session.close()
