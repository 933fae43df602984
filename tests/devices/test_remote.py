"""Devices behind a tracker."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tvm_mnv3.codegen.bundle import Bundle
from tvm_mnv3.devices import open_device
from tvm_mnv3.devices.farm import Farm
from tvm_mnv3.devices.remote import RemoteAddress, parse_address
from tvm_mnv3.errors import EnvironmentProblem, InputError
from tvm_mnv3.options import CompileOptions


@pytest.fixture
def bundle(compiled: Callable[[CompileOptions], Bundle]) -> Bundle:
    return compiled(CompileOptions("mobilenet_v3_small", core="cortex-a76", weights="random", input_size=64))


def address(farm: Farm, key: str | None = None) -> RemoteAddress:
    return RemoteAddress(*farm.address, key or farm.key)


@pytest.mark.emulated
@pytest.mark.slow
def test_a_bundle_gives_the_bits_that_it_gives_without_the_network(farm: Farm, bundle: Bundle) -> None:
    picture = np.random.default_rng(0).standard_normal((1, 3, 64, 64), np.float32)
    with open_device(address(farm).name).open(bundle.path) as remote:
        first, again = remote.run([picture], threads=2), remote.run([picture])
    with open_device("emulated:cortex-a76").open(bundle.path) as emulated:
        expected = emulated.run([picture])

    np.testing.assert_array_equal(first, expected)
    np.testing.assert_array_equal(again, expected)


@pytest.mark.emulated
def test_a_bundle_that_does_not_load_there_is_an_error_in_a_sentence(farm: Farm, doubler_host: Path) -> None:
    with pytest.raises(
        EnvironmentProblem, match=r"libdoubler.so on the device failed: cannot load .*not for this mach"
    ):
        open_device(address(farm).name).open(doubler_host)


@pytest.mark.emulated
def test_the_report_names_the_emulated_core(farm: Farm) -> None:
    report = address(farm).report()

    assert report.machine == "aarch64"
    assert report.emulated
    assert {core.name for core in report.cores} == {"cortex-a76"}
    assert set(report.allowed)


@pytest.mark.emulated
def test_a_key_that_nobody_offers_is_refused_at_once_with_those_that_are_there(farm: Farm) -> None:
    with pytest.raises(EnvironmentProblem, match="no device with the key pixel; it lists cortex-a76"):
        address(farm, "pixel").request()


def test_where_no_tracker_answers_the_message_says_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(EnvironmentProblem, match=r"does not answer .*tvm-mnv3 farm"):
            RemoteAddress("127.0.0.1", taken.getsockname()[1], "phone").request()


def test_a_name_is_an_address_and_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = "rpc://phones.local:9190/pixel-8"
    assert parse_address(name) == RemoteAddress("phones.local", 9190, "pixel-8")
    assert parse_address(name).name == name

    file = tmp_path / "key"
    file.write_text("secret words\n")
    monkeypatch.setenv("TVM_MNV3_SHARED_KEY_FILE", str(file))
    assert parse_address(name).shared_key == "secret words"
    file.write_text("")
    with pytest.raises(InputError, match="holds no shared key"):
        parse_address(name)


@pytest.mark.parametrize(
    "name", ["rpc:", "rpc://", "rpc://host/key", "rpc://host:0/key", "rpc://host:99999/key", "rpc://h:1/"]
)
def test_a_name_that_is_no_address_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="write rpc://HOST:PORT/KEY"):
        open_device(name)
