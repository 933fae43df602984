"""Which CPUs are the big ones, read from folders as Linux fills them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import doubler
import numpy as np
import pytest
from support.classifiers import UNIT, MadeUpModel, classifier_library

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.toolchain import compile_c, link_executable
from tvm_mnv3.frontend.imported import Preprocessing
from tvm_mnv3.packages.wheel_files.classifier import PixelClassifier

BIG, LITTLE, ALL = 0, 1, 2
#: cpu_capacity as phones have it: two kinds (Snapdragon 835), three (Snapdragon 888), one.
TWO_KINDS = (381, 381, 381, 381, 1024, 1024, 1024, 1024)
THREE_KINDS = (326, 326, 326, 326, 778, 778, 778, 1024)
ONE_KIND = (1024,) * 4


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cores")
    sources = [Path(__file__).with_name("find_cores.c"), runtime.FOLDER / "classifier" / "cores.c"]
    objects = compile_c(sources, triple=doubler.HOST, out=folder, include=[runtime.FOLDER], freestanding=False)
    return link_executable(objects, triple=doubler.HOST, out=folder / "find_cores")


def write_cpus(folder: Path, name: str, values: Sequence[int | str]) -> None:
    for cpu, value in enumerate(values):
        file = folder / f"cpu{cpu}" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n")


def found(program: Path, folder: Path, kind: int, allowed: int = 0xFF) -> int:
    command = [str(program), str(folder), f"{allowed:x}", str(kind)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout, 16)


@pytest.mark.parametrize(
    ("capacities", "big", "little"), [(TWO_KINDS, 0xF0, 0x0F), (THREE_KINDS, 0xF0, 0x0F), (ONE_KIND, 0x0F, 0x0F)]
)
def test_big_is_all_but_the_slowest_kind(
    program: Path, tmp_path: Path, capacities: tuple[int, ...], big: int, little: int
) -> None:
    write_cpus(tmp_path, "cpu_capacity", capacities)
    allowed = (1 << len(capacities)) - 1
    assert found(program, tmp_path, BIG, allowed) == big
    assert found(program, tmp_path, LITTLE, allowed) == little
    assert found(program, tmp_path, ALL, allowed) == allowed


def test_clock_frequencies_serve_where_there_are_no_capacities(program: Path, tmp_path: Path) -> None:
    write_cpus(tmp_path, "cpufreq/cpuinfo_max_freq", (1766400, 1766400, 2803200, 2803200))
    assert found(program, tmp_path, BIG, 0xF) == 0xC
    write_cpus(tmp_path, "cpu_capacity", (1024, 1024, 381))
    assert found(program, tmp_path, BIG, 0xF) == 0xC  # known of three CPUs out of four: not trusted


def test_only_the_cpus_that_the_app_may_use_count(program: Path, tmp_path: Path) -> None:
    write_cpus(tmp_path, "cpu_capacity", THREE_KINDS)
    assert found(program, tmp_path, BIG, 0x71) == 0x70
    assert found(program, tmp_path, BIG, 0x0F) == 0x0F  # in the background, on little cores alone
    assert found(program, tmp_path, BIG, 0xF0) == 0x80


@pytest.mark.parametrize("content", ["", "many", "-5", "0"])
def test_a_file_that_says_nothing_makes_all_one_kind(program: Path, tmp_path: Path, content: str) -> None:
    write_cpus(tmp_path, "cpu_capacity", (381, content))
    assert found(program, tmp_path, BIG, 0x3) == 0x3


def test_a_core_above_ten_and_a_folder_that_is_not_there(program: Path, tmp_path: Path) -> None:
    write_cpus(tmp_path, "cpu_capacity", (100,) * 12 + (200,) * 4)
    assert found(program, tmp_path, BIG, 0xFFFF) == 0xF000
    assert found(program, tmp_path / ("missing" * 30), BIG, 0xFF) == 0xFF


def test_what_was_chosen_can_be_seen() -> None:
    model = MadeUpModel(Preprocessing(8, 8, "bilinear", **UNIT))
    usable = os.sched_getaffinity(0)
    with PixelClassifier(classifier_library(), model.address) as classifier:
        chosen = classifier.chosen
        assert 1 <= chosen["threads"] <= min(4, len(usable))
        assert {cpu for cpu in range(64) if chosen["cpus"] >> cpu & 1} <= usable
    with PixelClassifier(classifier_library(), model.address, threads=3, cores="all") as classifier:
        assert (classifier.chosen["threads"], classifier.chosen["cpus"]) == (3, 0)


def test_started_threads_stay_on_the_chosen_cpus_and_the_caller_where_it_is() -> None:
    model = MadeUpModel(Preprocessing(8, 8, "bilinear", **UNIT))
    before, tasks = os.sched_getaffinity(0), set(os.listdir("/proc/self/task"))
    with PixelClassifier(classifier_library(), model.address, threads=3) as classifier:
        cpus = {cpu for cpu in range(64) if classifier.chosen["cpus"] >> cpu & 1}
        classifier.classify(np.zeros((8, 8, 3), np.uint8))
        started = set(os.listdir("/proc/self/task")) - tasks
        assert len(started) == 2
        assert all(os.sched_getaffinity(int(task)) <= cpus for task in started)
    assert os.sched_getaffinity(0) == before
