"""Phones at adb, against a stand-in for the adb server that starts the real agent under the emulator."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from support.adb_server import StandInServer
from support.waiting import eventually

from tvm_mnv3.codegen.bundle import Bundle
from tvm_mnv3.devices import open_device
from tvm_mnv3.devices.adb import Phone, attached_phones, phone_report
from tvm_mnv3.devices.attached import AttachedDevice, attached_devices
from tvm_mnv3.devices.pool import open_pool
from tvm_mnv3.devices.tracker import tracker_summary
from tvm_mnv3.errors import EnvironmentProblem, InputError
from tvm_mnv3.options import CompileOptions


@pytest.fixture
def server(tmp_path: Path, emulator: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInServer]:
    started = StandInServer(tmp_path, emulator)
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(started.port))
    yield started
    started.close()


def test_without_an_adb_server_no_phone_is_listed_and_none_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(taken.getsockname()[1]))
        assert attached_phones() == ()


@pytest.mark.emulated
def test_a_phone_is_listed_with_its_cores_and_nothing_is_left_on_it(server: StandInServer) -> None:
    (phone,) = attached_phones()
    assert phone == Phone(server.serial, "Stand_In", "device")

    (listed,) = (device for device in attached_devices() if device.name == f"adb:{server.serial}")
    assert (listed.cores, listed.state) == (phone_report(phone).cores_in_short, "ready")
    assert list(server.files.iterdir()) == []


@pytest.mark.emulated
def test_a_phone_that_lets_nobody_in_is_listed_with_its_state(server: StandInServer) -> None:
    server.state = "unauthorized"

    assert AttachedDevice(f"adb:{server.serial}", "Stand_In", "unauthorized") in attached_devices()


@pytest.mark.emulated
@pytest.mark.slow
def test_the_agent_is_pushed_started_reached_and_taken_away(server: StandInServer) -> None:
    with open_pool(f"adb:{server.serial}", cores="0") as pool:
        session = pool.request(session_timeout=60)
        report = json.loads(session.get_function("tvm_mnv3.report")())
        session.upload(bytearray(b"x"), "file")

        assert (report["machine"], report["allowed"]) == ("aarch64", [0])
        assert len(list(server.files.glob(str(Path("tvm-mnv3-*", "work", "session.*", "file"))))) == 1
        assert len(server.forwarded) == 2
        del session

    assert server.forwarded == []
    assert list(server.files.iterdir()) == []


@pytest.mark.emulated
@pytest.mark.slow
def test_a_bundle_runs_on_a_phone(server: StandInServer, compiled: Callable[[CompileOptions], Bundle]) -> None:
    bundle = compiled(CompileOptions("mobilenet_v3_small", core="cortex-a76", weights="random", input_size=64))
    picture = np.random.default_rng(0).standard_normal((1, 3, 64, 64), np.float32)
    with open_device("adb").open(bundle.path) as phone:
        got = phone.run([picture])
    with open_device("emulated:cortex-a76").open(bundle.path) as emulated:
        np.testing.assert_array_equal(got, emulated.run([picture]))

    assert list(server.files.iterdir()) == []


@pytest.mark.emulated
@pytest.mark.slow
def test_a_phone_that_is_unplugged_is_an_error_and_takes_its_agent_along(server: StandInServer) -> None:
    with open_pool("adb") as pool:
        session = pool.request(session_timeout=60)
        server.unplug()
        with pytest.raises(RuntimeError):
            session.get_function("tvm_mnv3.report")()
        eventually(lambda: not tracker_summary(pool.host, pool.port).devices, "the phone is still listed")
        with pytest.raises(EnvironmentProblem, match="lists no device with the key phone"):
            pool.request()


@pytest.mark.emulated
def test_what_cannot_be_used_is_refused_in_a_sentence(server: StandInServer) -> None:
    with (
        pytest.raises(InputError, match=r"adb knows no phone pixel; it lists: 0A1B2C \(device\)"),
        open_pool("adb:pixel"),
    ):
        pass
    server.state = "unauthorized"
    with pytest.raises(EnvironmentProblem, match=r"adb says: unauthorized. Unlock it"), open_pool("adb"):
        pass


@pytest.mark.emulated
def test_a_phone_of_another_kind_is_refused(tmp_path: Path, emulator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started = StandInServer(tmp_path, emulator, abis="x86_64")
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(started.port))
    with pytest.raises(InputError, match=r"runs no 64-bit ARM programs \(it runs: x86_64\)"), open_pool("adb"):
        pass
    started.close()


@pytest.mark.emulated
def test_an_agent_that_does_not_come_up_is_quoted_and_nothing_is_left(server: StandInServer) -> None:
    with (
        pytest.raises(EnvironmentProblem, match="does not come up: agent: the device has no cores named cortex-a99"),
        open_pool("adb", cores="cortex-a99"),
    ):
        pass

    assert (server.forwarded, list(server.files.iterdir())) == ([], [])


@pytest.mark.parametrize("name", ["", "local", "emulated:", "emulated:x", "usb:1"])
def test_a_name_that_no_pool_has_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="names no devices to measure on; write emulated:CORE"), open_pool(name):
        pass
