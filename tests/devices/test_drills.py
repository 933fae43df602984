"""What must survive: agents that are killed, devices that vanish, trackers that are restarted, kernels that crash or
hang, disks that are full. Real tracker, real agent, real uploads; the phone alone is emulated."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tvm
from support.agent_kernels import build_kernels
from support.waiting import PATIENCE_SECONDS, eventually
from tvm import rpc

from tvm_mnv3.devices.emulated_agent import EmulatedAgent
from tvm_mnv3.devices.farm import Farm
from tvm_mnv3.devices.tracker import Tracker

pytestmark = [pytest.mark.emulated, pytest.mark.slow]


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_kernels(tmp_path_factory.mktemp("kernels"))


@pytest.fixture
def tracker() -> Iterator[Tracker]:
    with Tracker() as started:
        yield started


def listed(tracker: Tracker, count: int, state: str = "free") -> Callable[[], bool]:
    return lambda: [device.state for device in tracker.summary().devices] == [state] * count


def request(tracker: Tracker, key: str, timeout: float = 60, **options: object) -> rpc.RPCSession:
    return rpc.connect_tracker(tracker.host, tracker.port).request(key, session_timeout=timeout, **options)


def load(session: rpc.RPCSession, kernels: Path) -> tvm.runtime.Module:
    session.upload(str(kernels))
    return session.load_module(kernels.name)


def measure(session: rpc.RPCSession, kernels: Path) -> float:
    """One whole measurement of a kernel that works."""
    module = load(session, kernels)
    x = tvm.runtime.tensor(np.ones(8, np.float32), session.cpu())
    y = tvm.runtime.empty((8,), "float32", session.cpu())
    return float(module.time_evaluator("main", session.cpu(), number=1)(x, y).mean)


def processes_below(folder: Path) -> list[int]:
    """The processes whose command line names a folder: the emulated agent and its sessions."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in command and b"qemu" in command:
                found.append(int(entry.name))
    return found


def test_an_agent_killed_in_mid_measurement_is_an_error_and_leaves_no_process(kernels: Path) -> None:
    with Farm("cortex-a76") as farm:
        (agent,) = farm.agents
        module = load(request(farm.tracker, farm.key), kernels)
        eventually(listed(farm.tracker, 1, "busy"), "the device is not busy")
        threading.Timer(0.5, agent.kill).start()
        with pytest.raises(Exception, match=r"kShutdown|closes before we get needed bytes|reset by peer"):
            module["sleep_ms"](PATIENCE_SECONDS * 1000)

        eventually(listed(farm.tracker, 0), "the dead device is still listed")
        eventually(lambda: not processes_below(agent.work_folder), "its session goes on")
        assert farm.revive() == 1
        eventually(listed(farm.tracker, 1), "the new device is not listed")
        assert measure(request(farm.tracker, farm.key), kernels) > 0


def test_the_others_go_on_when_a_device_vanishes_for_good(kernels: Path) -> None:
    with Farm("cortex-a76", count=2) as farm:
        farm.agents[0].kill()
        eventually(listed(farm.tracker, 1), "the dead device is still listed")

        for _ in range(3):
            assert measure(request(farm.tracker, farm.key), kernels) > 0


def test_a_restarted_tracker_finds_its_devices_again(kernels: Path) -> None:
    with Tracker() as first:
        port = first.port
        agent = EmulatedAgent("cortex-a76", (first.host, port), "phone")
        with agent:
            eventually(listed(first, 1), "the device is not listed")
            first.close()
            eventually(lambda: "trying again until it is back" in agent.log.read_text(), "the agent noticed nothing")
            with Tracker(port=port) as second:
                eventually(listed(second, 1), "the device does not come back")
                assert measure(request(second, "phone"), kernels) > 0


def test_a_tracker_that_is_restarted_during_a_session_costs_that_session_nothing(kernels: Path) -> None:
    with Tracker() as first:
        port = first.port
        with EmulatedAgent("cortex-a76", (first.host, port), "phone"):
            eventually(listed(first, 1), "the device is not listed")
            session = request(first, "phone")
            first.close()
            with Tracker(port=port) as second:
                assert measure(session, kernels) > 0
                session.get_function("CloseRPCConnection")()
                eventually(listed(second, 1), "the device does not come back")


def test_a_kernel_that_crashes_ends_its_session_with_a_sentence_and_the_next_one_works(
    farm: Farm, kernels: Path
) -> None:
    module = load(request(farm.tracker, farm.key), kernels)
    with pytest.raises(tvm.error.RPCError, match=r"the process of the session died on the device \(Segmentation fault"):
        module["crash"]()

    assert measure(request(farm.tracker, farm.key), kernels) > 0
    eventually(lambda: not list(farm.agents[0].work_folder.iterdir()), "files of sessions are left")


def test_a_kernel_that_hangs_is_ended_after_the_time_that_the_client_set(farm: Farm, kernels: Path) -> None:
    module = load(request(farm.tracker, farm.key, timeout=3), kernels)
    with pytest.raises(tvm.error.RPCSessionTimeoutError, match="lasted longer than the 3 s"):
        module["hang"]()

    eventually(lambda: len(processes_below(farm.agents[0].work_folder)) == 1, "the hanging kernel goes on")
    assert measure(request(farm.tracker, farm.key), kernels) > 0


def test_a_client_that_vanishes_gives_the_device_free(farm: Farm, kernels: Path, tmp_path: Path) -> None:
    """A client that is killed while its kernel hangs, and that set no time limit."""
    script = tmp_path / "client.py"
    script.write_text(
        "import sys\nfrom tvm import rpc\n"
        f"session = rpc.connect_tracker({farm.address[0]!r}, {farm.address[1]}).request({farm.key!r})\n"
        f"session.upload({str(kernels)!r})\n"
        f"module = session.load_module({kernels.name!r})\n"
        "print('hanging', flush=True)\nmodule['hang']()\n"
    )
    client = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert client.stdout is not None
    assert client.stdout.readline() == "hanging\n"
    client.kill()
    client.wait()

    eventually(listed(farm.tracker, 1), "the device stays busy")
    assert measure(request(farm.tracker, farm.key), kernels) > 0


def test_a_full_disk_is_an_error_that_says_so_and_the_device_stays_in_use(tracker: Tracker, kernels: Path) -> None:
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine lets no one mount a small disk in a namespace")
    find_work = 'for word; do test "$last" = --work && work=$word; last=$word; done'
    mount_small_disk = 'mount -t tmpfs -o size=256k none "$work"'
    within = ("unshare", "-rm", "sh", "-c", f'{find_work}; {mount_small_disk} && exec "$@"', "sh")
    with EmulatedAgent("cortex-a76", (tracker.host, tracker.port), "phone", within=within):
        eventually(listed(tracker, 1), "the device is not listed")
        session = request(tracker, "phone")
        with pytest.raises(
            tvm.error.RPCError,
            match=r"cannot write .*/large \(1000000 bytes\) on the device: writing failed: No space left on device",
        ):
            session.upload(bytearray(1_000_000), "large")

        assert session.listdir("") == ""
        assert measure(session, kernels) > 0


def test_work_is_taken_only_from_those_whom_the_tracker_sends(farm: Farm) -> None:
    (device,) = farm.summary().devices
    host, port = device.address.split(":")
    for key in (farm.key, f"{farm.key}:guess", "", "x" * 5000):
        with pytest.raises(Exception, match=r"cannot find server that matches key|socket|reset|RecvAll"):
            rpc.connect(host, int(port), key)

    assert measure(request(farm.tracker, farm.key), build_kernels(farm.agents[0].work_folder.parent)) > 0


def test_whoever_says_nothing_or_nonsense_keeps_nobody_out(farm: Farm, kernels: Path) -> None:
    (device,) = farm.summary().devices
    host, port = device.address.split(":")
    silent = socket.create_connection((host, int(port)))
    with socket.create_connection((host, int(port))) as noisy:
        noisy.sendall(struct.pack("<ii", 0xFF271, -5) + os.urandom(100))

    assert measure(request(farm.tracker, farm.key), kernels) > 0
    silent.close()


def test_a_shared_key_is_required_where_one_is_set(tracker: Tracker, kernels: Path) -> None:
    with EmulatedAgent("cortex-a76", (tracker.host, tracker.port), "phone", shared_key="secret words"):
        eventually(listed(tracker, 1), "the device is not listed")
        for arguments in (None, ["tvm_mnv3.shared_key", "guess"]):
            with pytest.raises(Exception, match="this agent wants its shared key"):
                request(tracker, "phone", max_retry=1, session_constructor_args=arguments)
        session = request(tracker, "phone", session_constructor_args=["tvm_mnv3.shared_key", "secret words"])

        assert measure(session, kernels) > 0


def test_an_agent_ends_with_the_one_who_started_it(tracker: Tracker, tmp_path: Path) -> None:
    script = tmp_path / "starter.py"
    script.write_text(
        "import time\nfrom tvm_mnv3.devices.emulated_agent import EmulatedAgent\n"
        f"agent = EmulatedAgent('cortex-a76', ({tracker.host!r}, {tracker.port}), 'phone')\n"
        "print('started', flush=True)\ntime.sleep(600)\n"
    )
    starter = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE)
    eventually(listed(tracker, 1), "the device is not listed")
    starter.kill()
    starter.wait()

    eventually(listed(tracker, 0), "the agent goes on alone")
