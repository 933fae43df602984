from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest
from support.command_line import Invoke, assert_refused, start

from tvm_mnv3.devices.farm import Farm


def test_devices_lists_this_machine(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", "1")
    result = invoke("devices")

    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()][2:4] == ["local", "emulated:CORE"]


@pytest.mark.emulated
def test_devices_lists_what_is_behind_a_tracker(invoke: Invoke, farm: Farm) -> None:
    host, port = farm.address
    result = invoke("devices", "--tracker", f"{host}:{port}")

    assert result.exit_code == 0
    (line,) = (line for line in result.stdout.splitlines() if line.startswith(f"rpc://{host}:{port}/{farm.key} "))
    assert line.split()[2:] == ["cortex-a76", "free", "0"]


def test_a_tracker_that_is_not_there_is_told(invoke: Invoke) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert_refused(invoke("devices", "--tracker", address), 3, f"The tracker {address} does not answer")


@pytest.mark.parametrize("address", ["", "9190", "host:", "host:port", "host:70000"])
def test_what_is_no_address_of_a_tracker_is_refused(invoke: Invoke, address: str) -> None:
    assert_refused(invoke("devices", "--tracker", address), 2, "is no tracker's address; write HOST:PORT")


def test_a_farm_of_an_unknown_core_is_refused(invoke: Invoke) -> None:
    assert_refused(invoke("farm", "--core", "cortex-a99", "--port", 0), 2, "no core 'cortex-a99'", "cortex-a76")


def test_a_farm_on_a_port_that_is_taken_is_refused(invoke: Invoke) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert_refused(invoke("farm", "--port", port), 3, f"cannot listen on 127.0.0.1:{port}", "another port")


@pytest.mark.emulated
@pytest.mark.slow
def test_a_farm_serves_until_it_is_stopped(emulator: str, tmp_path: Path, invoke: Invoke) -> None:
    with start("farm", "--count", "2", "--port", "0", "--key", "toys", cwd=tmp_path) as farm:
        assert farm.stdout is not None
        said = [farm.stdout.readline() for _ in range(2)]
        address = said[1].split("//")[1].split("/")[0]
        listed = invoke("devices", "--tracker", address).stdout
        farm.send_signal(signal.SIGINT)
        _, errors = farm.communicate(timeout=60)

    assert said[0].startswith("2 emulated cortex-a76 behind the tracker")
    assert listed.count(f"rpc://{address}/toys ") == 2
    assert (farm.returncode, errors) == (130, "Interrupted (SIGINT).\n")
