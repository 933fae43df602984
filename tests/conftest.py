"""Fixtures that every test can use."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import doubler
import pytest
from emulation import required
from filelock import FileLock

from tvm_mnv3.codegen.bundle import Bundle, open_bundle
from tvm_mnv3.compile import compile_model
from tvm_mnv3.devices.emulated import find_emulator, glibc_loader, musl_loader
from tvm_mnv3.devices.farm import Farm
from tvm_mnv3.options import CompileOptions


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--slow``: a bare ``pytest`` leaves the slow tests out, CI does not."""
    parser.addoption("--slow", action="store_true", help="run the tests marked slow too, as CI=true does")


def pytest_configure() -> None:
    """Where a shell has started the tests in the background, they and all that they start would ignore SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the slow tests, unless they are asked for by ``--slow``, ``-m``, a test's own name or ``CI=true``."""
    named = any("::" in argument for argument in config.args)
    if config.getoption("--slow") or config.getoption("-m") or named or os.environ.get("CI") == "true":
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    items[:] = [item for item in items if item not in slow]
    config.hook.pytest_deselected(items=slow)


@pytest.fixture(autouse=True)
def _cpus() -> Iterator[None]:
    """A test that leaves its process on fewer CPUs fails itself, not one that comes after it."""
    before = os.sched_getaffinity(0)
    yield
    after = os.sched_getaffinity(0)
    if after != before:
        os.sched_setaffinity(0, before)
        pytest.fail(f"began on the CPUs {sorted(before)} and ended on {sorted(after)}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real weights and pictures beside the checkout; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("TVM_MNV3_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    if not (folder / "models").is_dir():
        pytest.skip("no folder `shared` with real weights and pictures beside the checkout (or in TVM_MNV3_SHARED)")
    return folder


@pytest.fixture(scope="session")
def emulator() -> str:
    """The emulator qemu-aarch64, with the ARM glibc."""
    required(glibc_loader)
    return required(find_emulator)


@pytest.fixture(scope="session")
def musl(emulator: str) -> None:
    """The ARM musl, beside the emulator."""
    required(musl_loader)


@pytest.fixture(scope="session")
def farm(emulator: str) -> Iterator[Farm]:
    """A tracker with one emulated cortex-a76, for tests that leave it as it was; its `address` and `key` are all that
    a client of TVM's needs."""
    with Farm("cortex-a76") as started:
        yield started


@pytest.fixture(scope="session")
def doubler_host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a hand-written model, for this machine."""
    return doubler.build_bundle(tmp_path_factory.mktemp("doubler_host"), doubler.HOST)


@pytest.fixture(scope="session")
def doubler_arm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a hand-written model, for ARM."""
    return doubler.build_bundle(tmp_path_factory.mktemp("doubler_arm"), doubler.ARM)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[CompileOptions], Bundle]:
    """Compiles into a temporary folder, which all workers share: what one has compiled, another does not."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "compiled"
    folder.mkdir(exist_ok=True)
    bundles: dict[str, Bundle] = {}

    def compile_once(options: CompileOptions) -> Bundle:
        key = hashlib.sha256(repr(options).encode()).hexdigest()[:16]
        if key not in bundles:
            with FileLock(folder / f"{key}.lock"):
                output = folder / key / "bundle"
                there = (output / "model.json").exists()
                bundles[key] = open_bundle(output) if there else compile_model(replace(options, output=output))
        return bundles[key]

    return compile_once
