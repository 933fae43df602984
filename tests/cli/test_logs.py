"""``tvm-mnv3 logs``: what it shows, what it joins, what it finds wrong."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from support.command_line import assert_refused, invoke

from tvm_mnv3.targets import load_core
from tvm_mnv3.tuning.candidate import of_template, template_of
from tvm_mnv3.tuning.entry import LogEntry
from tvm_mnv3.tuning.log_file import open_log, read_log, write_log
from tvm_mnv3.workload import Workload

WORKLOAD = Workload.parse("pool_h7w7_c576_f32")
KNOBS = template_of(WORKLOAD).knobs(WORKLOAD, load_core("cortex-a76"))
MODELLED = LogEntry(
    WORKLOAD.name, "cortex-a76", "template", "pool", template_of(WORKLOAD).version,
    of_template(WORKLOAD, KNOBS[0]).knobs, "model:cortex-a76", {"tvm-mnv3": "0.1.0"}, "2026-11-25T00:00:00Z",
    cycles=1234567.0, model="n1w",
)  # fmt: skip
MEASURED = dataclasses.replace(
    MODELLED, cycles=None, model=None, seconds=(1.5e-3, 1.5e-3), device="rpc://127.0.0.1:9190/a76 (one)"
)
FAILED = dataclasses.replace(MODELLED, cycles=None, model=None, failure="It crashed.")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "log.jsonl"
    write_log(file, [MODELLED, MEASURED, FAILED])
    return file


def test_best_entry_is_shown_under_its_name(log: Path) -> None:
    best = invoke("logs", "show", log)
    assert best.exit_code == 0
    assert "1500.0 us" in best.stdout
    assert "modelled" not in best.stdout
    assert "3 trials of 1 workloads" in best.stdout
    every = invoke("logs", "show", log, "--all").stdout
    assert "modelled" in every
    assert "failed" in every


def test_merge_keeps_the_measured_entry_and_drops_failures(log: Path, tmp_path: Path) -> None:
    other, out = tmp_path / "other.jsonl", tmp_path / "out.jsonl"
    write_log(other, [dataclasses.replace(MODELLED, cycles=1.0)])
    assert invoke("logs", "merge", log, other, "-o", out).exit_code == 0
    assert read_log(out).entries == (MEASURED,)
    write_log(other, [dataclasses.replace(MEASURED, seconds=(1.0e-3, 1.0e-3))])
    assert invoke("logs", "merge", other, "-o", out).exit_code == 0
    assert read_log(out).entries[0].seconds == (1.0e-3, 1.0e-3)


def test_merge_does_not_touch_a_log_that_a_tuner_holds(log: Path) -> None:
    with open_log(log):
        assert_refused(invoke("logs", "merge", log, "-o", log), 2, "Another tuner holds", str(log))
    assert len(read_log(log).entries) == 3


def test_check_passes_a_good_log_and_names_what_is_wrong_with_another(log: Path) -> None:
    good = invoke("logs", "check", log)
    assert good.exit_code == 0
    assert good.stdout == "2 of 3 entries can be used, 1 failed\n"
    old = dataclasses.replace(MODELLED, template_version=99)
    foreign = dataclasses.replace(MODELLED, core="m68k")
    write_log(log, [MODELLED, old, foreign])
    with log.open("a") as stream:
        stream.write('{"other": 1}\n{"half')
    checked = invoke("logs", "check", log)
    assert checked.exit_code == 1
    for words in ("is of version 99", "was tuned for m68k", "line 4", "has no end", "1 of 3 entries can be used"):
        assert words in " ".join(checked.stdout.split())


def test_check_counts_an_emulator_s_times_as_what_compile_does_not_use(log: Path) -> None:
    write_log(log, [MODELLED, dataclasses.replace(MEASURED, emulated=True)])
    checked = invoke("logs", "check", log)
    assert checked.exit_code == 0
    assert checked.stdout == "1 of 2 entries can be used, 1 are an emulator's times\n"


def test_log_that_does_not_exist_is_named(tmp_path: Path) -> None:
    assert_refused(invoke("logs", "show", tmp_path / "absent.jsonl"), 2, "no tuning log", "absent.jsonl")
