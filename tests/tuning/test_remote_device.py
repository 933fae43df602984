"""Candidates on emulated devices behind a real tracker, and what goes wrong there."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.toolchain import compile_c, link_shared
from tvm_mnv3.devices.farm import Farm
from tvm_mnv3.devices.tracker import Tracker
from tvm_mnv3.errors import EnvironmentProblem
from tvm_mnv3.targets import load_core
from tvm_mnv3.tuning import remote_device
from tvm_mnv3.tuning.build import BuiltKernel, build_candidates, entry_object
from tvm_mnv3.tuning.candidate import of_template, template_of
from tvm_mnv3.tuning.entry import LogEntry, Trust
from tvm_mnv3.tuning.remote_device import RemoteDevices
from tvm_mnv3.workload import Workload

pytestmark = [pytest.mark.slow, pytest.mark.emulated]

TRIPLE = "aarch64-linux-gnu.2.28"
#: nanosleep is system call 101 of aarch64 (include/uapi/asm-generic/unistd.h).
SLEEP = """
struct time { long seconds, nanoseconds; };
static void sleep_for(struct time t) {
  register const struct time *a __asm__("x0") = &t;
  register long b __asm__("x1") = 0;
  register long number __asm__("x8") = 101;
  __asm__ volatile("svc #0" : "+r"(a) : "r"(b), "r"(number) : "memory");
}
"""
CRASH = "void candidate0(void) { *(volatile int *)8 = 0; }"
HANG = 'void candidate0(void) { for (;;) __asm__ volatile(""); }'
#: Writes nothing, so that its numbers are wrong, three seconds late.
SLOW = SLEEP + "void candidate0(void) { sleep_for((struct time){3, 0}); }"


@pytest.fixture
def farm(emulator: str) -> Iterator[Farm]:
    with Farm("cortex-a76", count=2) as farm:
        yield farm


@pytest.fixture
def device(farm: Farm) -> Iterator[RemoteDevices]:
    host, port = farm.address
    device = RemoteDevices(f"rpc://{host}:{port}/{farm.key}", "cortex-a76", session_timeout=8)
    yield device
    device.close()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> BuiltKernel:
    workload, core = Workload.parse("pointwise_h7w7_i24_o40_f32_scale_bias_add"), load_core("cortex-a76")
    candidate = of_template(workload, template_of(workload).default(workload, core))
    (built,) = build_candidates([candidate], core, TRIPLE, tmp_path_factory.mktemp("kernel"))
    assert isinstance(built, BuiltKernel)
    return built


def replaced(kernel: BuiltKernel, source: str, folder: Path) -> BuiltKernel:
    """The kernel with code of our own in its place."""
    folder.mkdir()
    file = folder / "bad.c"
    file.write_text(source + "\n")
    objects = compile_c([file], triple=TRIPLE, out=folder, include=[runtime.FOLDER], extra=["-fvisibility=default"])
    library = link_shared(
        [*objects, entry_object(TRIPLE)], triple=TRIPLE, out=folder / "bad.so",
        exports=["candidate0", "__tvm_ffi_candidate"], soname="bad.so",
    )  # fmt: skip
    return dataclasses.replace(kernel, library=library)


def test_candidate_gets_times_that_are_known_to_be_an_emulator_s(device: RemoteDevices, kernel: BuiltKernel) -> None:
    assert device.parallel == 2
    assert device.emulated
    (score,) = device.measure([kernel])
    assert score.failure is None
    assert len(score.seconds) == 5
    assert min(score.seconds) > 0
    assert score.emulated


def test_candidate_that_crashes_hangs_or_computes_wrong_numbers_costs_no_other(
    device: RemoteDevices, kernel: BuiltKernel, tmp_path: Path
) -> None:
    bad = [replaced(kernel, source, tmp_path / str(i)) for i, source in enumerate((CRASH, HANG, SLOW))]
    with ThreadPoolExecutor(2) as threads:
        scores = list(threads.map(lambda one: device.measure([one])[0], [*bad, kernel]))
    crashed, hung, wrong, good = scores
    assert crashed.failure is not None
    assert "ended without an answer, twice" in crashed.failure
    assert hung.failure == "It did not end in 8 s."
    assert all(score.emulated for score in scores)  # a run that goes on counts failures too
    assert wrong.failure is not None
    assert "wrong numbers" in wrong.failure
    assert good.failure is None


def test_device_that_dies_in_mid_measurement_costs_nothing_while_there_is_another(
    farm: Farm, device: RemoteDevices, kernel: BuiltKernel, tmp_path: Path
) -> None:
    slow = replaced(kernel, SLOW, tmp_path / "slow")
    with ThreadPoolExecutor(1) as threads:
        pending = threads.submit(device.measure, [slow])
        while all(listed.state != "busy" for listed in farm.summary().devices):
            time.sleep(0.05)
        (busy,) = (number for number, listed in enumerate(farm.summary().devices) if listed.state == "busy")
        port = farm.summary().devices[busy].address.rpartition(":")[2]
        for agent in farm.agents:
            if f":{port}" in agent.log.read_text():
                agent.kill()
        (score,) = pending.result()
    assert score.failure is not None
    assert "wrong numbers" in score.failure  # an answer, from the other one
    assert device.measure([kernel])[0].failure is None


def test_devices_that_vanish_for_good_end_the_run_with_a_sentence(
    farm: Farm, device: RemoteDevices, kernel: BuiltKernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_device, "PATIENCE", 1.0)
    for agent in farm.agents:
        agent.kill()
    with pytest.raises(EnvironmentProblem, match="run the same command again"):
        device.measure([kernel])


def test_tracker_that_starts_anew_is_waited_for(farm: Farm, device: RemoteDevices, kernel: BuiltKernel) -> None:
    host, port = farm.address
    farm.tracker.close()
    again: list[Tracker] = []
    timer = threading.Timer(2.0, lambda: again.append(Tracker(host, port)))
    timer.start()
    (score,) = device.measure([kernel])
    timer.join()
    again[0].close()
    assert score.failure is None


def test_emulated_time_never_reaches_compile(device: RemoteDevices, kernel: BuiltKernel) -> None:
    (score,) = device.measure([kernel])
    entry = LogEntry(
        kernel.candidate.workload, "cortex-a76", "template", "pointwise", 1, kernel.candidate.knobs, score.device, {},
        "2026-11-25T00:00:00Z", seconds=score.seconds, emulated=score.emulated,
    )  # fmt: skip
    assert entry.trust == Trust.EMULATED
