"""The logs that the package brings: every entry can be used, says that it is modelled, and stands where it belongs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tvm_mnv3.schedules.registry import template_for
from tvm_mnv3.targets import load_core
from tvm_mnv3.tuning.lookup import find_logs, tuned_knobs
from tvm_mnv3.workload import Workload

LOGS = sorted((Path(__file__).parents[2] / "tuning_logs").glob("*.jsonl"))


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_every_shipped_entry_is_used_and_is_no_default(log: Path) -> None:
    core = load_core(log.stem)
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    names = [entry["workload"] for entry in entries]
    assert len(set(names)) == len(names) > 0
    tuned = tuned_knobs([log], names, core)
    assert tuned.problems == tuned.refused == ()
    for entry in entries:
        workload = Workload.parse(entry["workload"])
        template = template_for(workload)
        assert template is not None
        knobs = template.knobs_type(**entry["knobs"])
        assert tuned.knobs[workload.name] == knobs != template.default(workload, core)


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_no_shipped_entry_claims_to_be_measured(log: Path) -> None:
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        assert entry["device"] == f"model:{log.stem}"
        assert "seconds" not in entry


def test_a_compile_for_a_core_with_a_shipped_log_finds_it() -> None:
    assert LOGS
    for log in LOGS:
        assert [found.read_text() for found in find_logs(None, load_core(log.stem))] == [log.read_text()]
