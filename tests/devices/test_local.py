"""This machine as a device."""

from __future__ import annotations

import shutil
from pathlib import Path

import doubler
import numpy as np
import pytest

from tvm_mnv3.devices.local import LocalDevice
from tvm_mnv3.errors import InputError


def test_a_bundle_for_another_machine_is_refused_in_a_sentence(doubler_arm: Path, doubler_host: Path) -> None:
    if doubler.HOST.startswith("aarch64"):
        pytest.skip("this machine runs ARM bundles")

    with pytest.raises(InputError, match=r"compiled for aarch64, and this machine is x86_64.*--target host"):
        LocalDevice().open(doubler_arm)


def test_timing_gives_one_positive_number_per_run(doubler_host: Path) -> None:
    with LocalDevice().open(doubler_host) as session:
        for threads in (1, 2):
            seconds = session.time(doubler.sample(0), threads=threads, warmup=1, repeats=5)
            assert len(seconds) == 5
            assert all(value > 0 for value in seconds)


def test_two_sessions_on_one_bundle_do_not_disturb_each_other(doubler_host: Path) -> None:
    device = LocalDevice()
    with device.open(doubler_host) as first:
        with device.open(doubler_host) as second:
            second.run(doubler.sample(2), threads=3)
        got = first.run(doubler.sample(1), threads=2)

    np.testing.assert_array_equal(got[0], doubler.expected(doubler.sample(1))[0])


def test_a_library_compiled_anew_is_loaded_anew(tmp_path: Path, doubler_host: Path) -> None:
    """The system's loader answers with what it has loaded under a path: closing must unload."""
    bundle = tmp_path / "bundle"
    shutil.copytree(doubler_host, bundle)
    x, n = doubler.sample(1)
    with LocalDevice().open(bundle) as session:
        before = session.run([x, n])[0]
    library = bundle / "libdoubler.so"
    data = library.read_bytes()
    assert data.count(doubler.WEIGHTS.tobytes()) == 1
    library.unlink()
    library.write_bytes(data.replace(doubler.WEIGHTS.tobytes(), (doubler.WEIGHTS + 1).tobytes()))

    with LocalDevice().open(bundle) as session:
        np.testing.assert_allclose(session.run([x, n])[0], before + 1, rtol=1e-5)


def test_a_closed_session_does_not_run(doubler_host: Path) -> None:
    session = LocalDevice().open(doubler_host)
    session.close()

    with pytest.raises(ValueError, match="closed"):
        session.run(doubler.sample(0))
