"""The agent served to TVM's own Python client: nothing but `tvm.rpc` talks to it here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tvm
from support.agent_kernels import build_kernels
from tvm import rpc
from tvm.s_tir import meta_schedule as ms

from tvm_mnv3.devices.farm import Farm

pytestmark = pytest.mark.emulated


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_kernels(tmp_path_factory.mktemp("kernels"))


@pytest.fixture(scope="module")
def tracker(farm: Farm) -> rpc.TrackerSession:
    return rpc.connect_tracker(*farm.address)


@pytest.fixture
def session(farm: Farm, tracker: rpc.TrackerSession) -> Iterator[rpc.RPCSession]:
    session = tracker.request(farm.key, session_timeout=60)
    yield session
    session.get_function("CloseRPCConnection")()


@pytest.fixture
def module(session: rpc.RPCSession, kernels: Path) -> tvm.runtime.Module:
    session.upload(str(kernels))
    return session.load_module(kernels.name)


def vectors(session: rpc.RPCSession, size: int = 8) -> tuple[tvm.runtime.Tensor, tvm.runtime.Tensor]:
    x = tvm.runtime.tensor(np.arange(size, dtype=np.float32), session.cpu())
    return x, tvm.runtime.empty((size,), "float32", session.cpu())


def test_an_uploaded_library_is_loaded_and_called(session: rpc.RPCSession, module: tvm.runtime.Module) -> None:
    x, y = vectors(session, 100_000)

    assert module["main"](x, y) == 100_000
    np.testing.assert_array_equal(y.numpy(), 2 * np.arange(100_000, dtype=np.float32))


def test_time_evaluator_calls_once_and_then_repeat_times_number(
    session: rpc.RPCSession, module: tvm.runtime.Module
) -> None:
    result = module.time_evaluator("calls", session.cpu(), number=3, repeat=4)()

    assert len(result.results) == 4
    assert module["calls"]() == 1 + 3 * 4 + 1


def test_min_repeat_ms_raises_the_number_of_calls(session: rpc.RPCSession, module: tvm.runtime.Module) -> None:
    module.time_evaluator("calls", session.cpu(), number=1, repeat=2, min_repeat_ms=20)()

    assert module["calls"]() > 1 + 2 + 1


def test_time_is_measured_in_seconds(session: rpc.RPCSession, module: tvm.runtime.Module) -> None:
    """A kernel that sleeps for 20 ms cannot take less, and not a thousand times more."""
    result = module.time_evaluator("sleep_ms", session.cpu(), number=1, repeat=2)(20)

    assert all(0.020 <= seconds < 20 for seconds in result.results)


def test_caches_are_flushed_and_arguments_kept(session: rpc.RPCSession, module: tvm.runtime.Module) -> None:
    x, y = vectors(session, 1000)
    evaluator = module.time_evaluator(
        "main", session.cpu(), number=2, repeat=2, cooldown_interval_ms=1, repeats_to_cooldown=2,
        cache_flush_bytes=1 << 20, f_preproc="cache_flush_cpu_non_first_arg",
    )  # fmt: skip

    assert len(evaluator(x, y).results) == 2
    np.testing.assert_array_equal(y.numpy(), 2 * np.arange(1000, dtype=np.float32))


def test_a_file_comes_back_as_it_went_and_can_be_removed(session: rpc.RPCSession) -> None:
    content = bytearray(range(256)) * 1000
    session.upload(content, "a file")

    assert session.download("a file") == content
    assert session.listdir("") == "a file"
    session.remove("a file")
    session.remove("a file")
    assert session.listdir("") == ""
    with pytest.raises(tvm.error.RPCError, match=r"cannot read .*a file: No such file"):
        session.download("a file")


def test_what_metaschedule_needs_is_there(session: rpc.RPCSession) -> None:
    for dtype in ("float32", "float16", "int8", "int32"):
        tensor = tvm.runtime.empty((3, 50), dtype, session.cpu())
        session.get_function("tvm.contrib.random.random_fill_for_measure")(tensor)
        values = tensor.numpy().astype(np.float64)
        assert values.min() >= 1
        assert values.max() <= 10
        assert len(np.unique(values)) > 5
    session.cpu().sync()


def test_tensors_are_copied_on_the_device(session: rpc.RPCSession) -> None:
    x, y = vectors(session)
    x.copyto(y)

    np.testing.assert_array_equal(y.numpy(), np.arange(8, dtype=np.float32))


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "..", "a/b"])
def test_a_file_outside_of_the_session_is_refused(session: rpc.RPCSession, name: str) -> None:
    with pytest.raises(tvm.error.RPCError, match="leads out of the session's folder"):
        session.upload(bytearray(b"x"), name)
    with pytest.raises(tvm.error.RPCError, match="leads out of the session's folder"):
        session.download(name)


def test_what_is_wrong_is_said_and_the_session_goes_on(
    session: rpc.RPCSession, module: tvm.runtime.Module, kernels: Path
) -> None:
    x, y = vectors(session)
    with pytest.raises(tvm.error.RPCError, match="the kernel failed with status -1"):
        module["main"](x)
    with pytest.raises(AttributeError, match="no function"):
        module["absent"]
    with pytest.raises(tvm.error.RPCError, match="the module has no function absent"):
        module.time_evaluator("absent", session.cpu(), number=1)()
    session.upload(bytearray(kernels.read_bytes()[:1000]), "torn.so")
    with pytest.raises(tvm.error.RPCError, match=r"cannot load .*torn.so: it ends inside"):
        session.load_module("torn.so")
    session.upload(bytearray(b"#!/bin/sh\n"), "script.so")
    with pytest.raises(tvm.error.RPCError, match="no 64-bit ELF shared library"):
        session.load_module("script.so")
    with pytest.raises(tvm.error.RPCError, match="bytes of memory cannot be had"):
        tvm.runtime.empty((1 << 45,), "float32", session.cpu())

    assert module["main"](x, y) == 8


def test_a_library_for_another_machine_is_refused(session: rpc.RPCSession, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.so"
    foreign.write_bytes(Path("/proc/self/exe").resolve().read_bytes()[:4096])
    if foreign.read_bytes()[18] == 183:
        pytest.skip("this machine is 64-bit ARM itself")
    session.upload(str(foreign))

    with pytest.raises(tvm.error.RPCError, match=r"not for this machine|no 64-bit ELF shared library"):
        session.load_module("foreign.so")


def test_each_session_starts_with_an_empty_folder(farm: Farm, tracker: rpc.TrackerSession) -> None:
    for _ in range(2):
        session = tracker.request(farm.key, session_timeout=60)
        assert session.listdir("") == ""
        session.upload(bytearray(b"x"), "left behind")
        session.get_function("CloseRPCConnection")()


@pytest.mark.slow
def test_metaschedules_runner_measures_on_it_as_it_is(farm: Farm, kernels: Path) -> None:
    runner = ms.runner.RPCRunner(
        ms.runner.RPCConfig(*farm.address, farm.key, session_timeout_sec=60),
        ms.runner.EvaluatorConfig(number=2, repeat=3, min_repeat_ms=0, enable_cpu_cache_flush=True),
    )
    arguments = [ms.arg_info.TensorInfo("float32", (64,))] * 2
    futures = runner.run([ms.runner.RunnerInput(str(kernels), "cpu", arguments) for _ in range(2)])

    for future in futures:
        result = future.result()
        assert result.error_msg is None
        assert len(result.run_secs) == 3
