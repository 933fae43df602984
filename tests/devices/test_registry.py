"""Devices by name."""

from __future__ import annotations

import pytest

from tvm_mnv3.devices import device_names, open_device
from tvm_mnv3.errors import InputError
from tvm_mnv3.targets import core_names


def test_every_listed_device_opens_under_its_name() -> None:
    assert [open_device(name).name for name in device_names()] == list(device_names())


def test_every_core_can_be_emulated() -> None:
    assert {f"emulated:{core}" for core in core_names()} < set(device_names())


@pytest.mark.parametrize("name", ["", "phone", "emulated", "emulated:", "emulated:cortex-a99", "Local"])
def test_an_unknown_device_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(InputError, match=r"choose one of local, emulated:") as caught:
        open_device(name)

    assert repr(name) in str(caught.value)
