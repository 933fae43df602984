"""What the tests of the estimates share."""

from __future__ import annotations

import pytest
from emulation import required

from tvm_mnv3.devices.emulated import glibc_loader
from tvm_mnv3.estimate.tools import Tools, find_tools


@pytest.fixture(scope="session")
def tools() -> Tools:
    """The emulator with plugins, and LLVM's tools."""
    required(glibc_loader)
    return required(find_tools)
