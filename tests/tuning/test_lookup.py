"""Which knobs ``compile`` gets from logs, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tvm_mnv3.errors import InputError
from tvm_mnv3.targets import load_core
from tvm_mnv3.tuning.entry import LogEntry
from tvm_mnv3.tuning.log_file import write_log
from tvm_mnv3.tuning.lookup import find_logs, tuned_knobs
from tvm_mnv3.tuning.trustworthy import log_core

EntryOf = Callable[..., LogEntry]
CORE = load_core("cortex-a76")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "cortex-a76.jsonl"


def test_best_entry_of_a_workload_gives_its_knobs(log: Path, entry_of: EntryOf) -> None:
    best = entry_of(index=3, cycles=10.0, model="n1w")
    write_log(log, [entry_of(index=1, cycles=20.0, model="n1w"), best, entry_of(index=2, failure="It crashed.")])
    tuned = tuned_knobs([log], [best.workload, "pool_h7w7_c576_f32"], CORE)
    assert tuned.entries == {best.workload: best}
    assert vars(tuned.knobs[best.workload]) == best.knobs
    assert tuned.refused == ()


def test_earlier_log_counts_first_among_equals_but_a_measured_entry_outranks_it(
    tmp_path: Path, entry_of: EntryOf
) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    write_log(first, [entry_of(index=1, cycles=20.0, model="n1w")])
    write_log(second, [entry_of(index=2, cycles=10.0, model="n1w")])
    name = entry_of().workload
    assert tuned_knobs([first, second], [name], CORE).entries[name].cycles == 20.0
    write_log(second, [entry_of(index=2, seconds=(1.0,))])
    assert tuned_knobs([first, second], [name], CORE).entries[name].seconds == (1.0,)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"template_version": 99}, "is of version 99 of the template pointwise, and this is version"),
        ({"core": "cortex-a55"}, "was tuned for cortex-a55, not for cortex-a76"),
        ({"template": "dense"}, "is of the template 'dense'"),
        ({"knobs": {"rows": 1}}, "knobs that its template does not have"),
        (
            {"knobs": {"rows": 999, "vectors": 1, "lanes": 4, "order": "rows", "panel": False, "vector_reads": True}},
            "knobs that its template does not have",
        ),
    ],
)
def test_entry_that_means_something_else_here_is_refused_with_a_sentence(
    log: Path, entry_of: EntryOf, changes: dict[str, object], said: str
) -> None:
    entry = replace(entry_of(cycles=1.0, model="n1w"), **changes)
    write_log(log, [entry])
    tuned = tuned_knobs([log], [entry.workload], CORE)
    assert tuned.knobs == {}
    (sentence,) = tuned.refused
    assert said in sentence


def test_time_of_an_emulator_is_never_used(log: Path, entry_of: EntryOf) -> None:
    entry = entry_of(seconds=(1e-9,), emulated=True)
    write_log(log, [entry])
    tuned = tuned_knobs([log], [entry.workload, "pool_h7w7_c576_f32"], CORE)
    assert tuned.knobs == {}
    (sentence,) = tuned.refused
    assert "For 1 workloads" in sentence
    assert "an emulator" in sentence


def test_logs_are_found_by_the_core_s_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry_of: EntryOf, log: Path
) -> None:
    write_log(log, [entry_of(cycles=1.0, model="n1w")])
    assert find_logs(tmp_path, CORE) == (log,)
    assert find_logs(log, CORE) == (log,)
    assert find_logs("none", CORE) == ()
    with pytest.raises(InputError, match="no log of cortex-a55"):
        find_logs(tmp_path, load_core("cortex-a55"))
    with pytest.raises(InputError, match="there is no file"):
        find_logs(tmp_path / "absent.jsonl", CORE)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tuning_logs").mkdir()
    log.rename(tmp_path / "tuning_logs" / log.name)
    assert find_logs(None, CORE)[0] == tmp_path / "tuning_logs" / log.name


def test_host_is_many_machines_so_its_log_names_the_cpu() -> None:
    host = load_core("host")
    assert log_core(host) == f"host-{host.llvm_cpu}"
    assert log_core(CORE) == "cortex-a76"
