"""A run on a device that exists only in this file: trials are logged as they end, and the next run goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from support.adb_server import StandInServer

from tvm_mnv3.codegen.object_code import llvm_target
from tvm_mnv3.errors import EnvironmentProblem
from tvm_mnv3.targets import load_core
from tvm_mnv3.tuning.budget import Budget
from tvm_mnv3.tuning.build import BuiltKernel
from tvm_mnv3.tuning.candidate import of_template, template_of
from tvm_mnv3.tuning.cost_model import CostModel
from tvm_mnv3.tuning.log_file import open_log, read_log
from tvm_mnv3.tuning.network import network_score
from tvm_mnv3.tuning.pipeline import Pipeline
from tvm_mnv3.tuning.registry import open_tuning_device
from tvm_mnv3.tuning.run import Event, TuningRun
from tvm_mnv3.tuning.score import Score
from tvm_mnv3.tuning.task import Task
from tvm_mnv3.tuning.template_search import TemplateSearch
from tvm_mnv3.workload import Workload

CORE = load_core("cortex-a76")
TRIPLE = "aarch64-linux-gnu.2.28"
NAMES = ("pointwise_h7w7_i24_o40_f32_bias", "pool_h7w7_c40_f32")


class Tiles:
    """The larger a kernel's tile, the better its score; it may be gone after some trials."""

    name, emulated, batch, parallel, cpu = "model:cortex-a76", False, 4, 2, None

    def __init__(self, lives: int = 1000) -> None:
        self.lives = lives

    def measure(self, kernels: Sequence[BuiltKernel], *, patient: bool = True) -> list[Score]:
        self.lives -= len(kernels)
        if self.lives < 0:
            raise EnvironmentProblem("The device is gone.")
        return [Score(cycles=1e3 / k.candidate.knobs["vectors"], model="n1w", device=self.name) for k in kernels]

    def close(self) -> None:
        pass


def tasks() -> list[Task]:
    model = CostModel(llvm_target(CORE, "aarch64-linux-gnu"))
    workloads = [Workload.parse(name) for name in NAMES]
    defaults = [of_template(w, template_of(w).default(w, CORE)) for w in workloads]
    return [Task(w, 2, TemplateSearch(w, CORE, model, 0), d) for w, d in zip(workloads, defaults, strict=True)]


@pytest.fixture(scope="module")
def pipeline() -> Iterator[Pipeline]:
    with Pipeline(CORE, TRIPLE, Tiles()) as opened:
        yield opened


def run(log: Path, trials: int, pipeline: Pipeline, seen: list[Event]) -> tuple[int, list[Task]]:
    """The number of earlier trials, and the tasks at the end."""
    with open_log(log) as writer:
        these = tasks()
        tuning = TuningRun(these, Budget(trials, 2, 4, 0), CORE, writer)
        resumed = tuning.resume(read_log(log).entries)
        tuning.run(pipeline, seen.append, lambda: None)
        return resumed, these


@pytest.mark.slow
def test_run_logs_every_trial_and_the_same_command_goes_on(tmp_path: Path, pipeline: Pipeline) -> None:
    log, seen = tmp_path / "log.jsonl", list[Event]()
    assert run(log, 12, pipeline, seen)[0] == 0
    entries = read_log(log).entries
    assert [event.entry for event in seen] == list(entries)
    assert len(entries) == 12
    assert {entry.workload for entry in entries} == set(NAMES)

    assert run(log, 12, pipeline, [])[0] == 12
    assert read_log(log).entries == entries

    resumed, these = run(log, 20, pipeline, [])
    assert resumed == 12
    more = read_log(log).entries
    assert more[:12] == entries
    assert len(more) == 20
    assert len({(entry.workload, str(entry.knobs)) for entry in more}) == 20  # nothing is tried twice
    assert all(task.default_score >= task.best_score for task in these)
    score = network_score(these)
    assert score.known == score.workloads == 2
    assert score.best == pytest.approx(sum(2 * task.best_score for task in these))


@pytest.mark.slow
def test_device_that_vanishes_for_good_ends_the_run_and_loses_no_finished_trial(
    tmp_path: Path, pipeline: Pipeline
) -> None:
    log, seen = tmp_path / "log.jsonl", list[Event]()
    with (
        Pipeline(CORE, TRIPLE, Tiles(lives=9)) as short,
        pytest.raises(EnvironmentProblem, match="The device is gone"),
    ):
        run(log, 40, short, seen)
    assert 0 < len(seen) <= 9
    assert [event.entry for event in seen] == list(read_log(log).entries)
    assert run(log, 12, pipeline, [])[0] == len(seen)
    assert len(read_log(log).entries) == 12


@pytest.mark.slow
def test_whole_space_is_tried_and_then_the_run_ends(tmp_path: Path, pipeline: Pipeline) -> None:
    with open_log(tmp_path / "log.jsonl") as writer:
        pool = tasks()[1]
        TuningRun([pool], Budget(1000, 1, 4, 0), CORE, writer).run(pipeline, lambda event: None, lambda: None)
    assert pool.exhausted
    assert pool.trials == len(template_of(pool.workload).knobs(pool.workload, CORE))


@pytest.mark.slow
@pytest.mark.emulated
@pytest.mark.parametrize("name", ["emulated:cortex-a76", "adb"])
def test_run_on_a_device_that_is_started_for_it(
    name: str, tmp_path: Path, emulator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, phone = tmp_path / "log.jsonl", StandInServer(tmp_path, emulator)
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(phone.port))
    with closing(phone):
        with Pipeline(CORE, TRIPLE, open_tuning_device(name, CORE)) as pipeline:
            run(log, 3, pipeline, [])
            assert len(list(phone.files.iterdir())) == (name == "adb")
        assert (list(phone.files.iterdir()), phone.forwarded) == ([], [])
    entries = read_log(log).entries
    assert [(entry.device, entry.failure, len(entry.seconds)) for entry in entries] == [(name, None, 5)] * 3
    # Only the emulated device is known for one: the stand-in for a phone says nothing of it.
    assert {entry.emulated for entry in entries} == {name != "adb"}
