"""Knobs that won a contest stay only where they make the whole network faster."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.command_line import MODEL, invoke

from tvm_mnv3 import network_trial
from tvm_mnv3.network_trial import NetworkTrial, kept
from tvm_mnv3.targets import load_core
from tvm_mnv3.tuning.candidate import template_of
from tvm_mnv3.tuning.entry import LogEntry
from tvm_mnv3.tuning.log_file import open_log, read_log
from tvm_mnv3.tuning.lookup import tuned_knobs
from tvm_mnv3.tuning.trustworthy import log_core
from tvm_mnv3.validation.intervals import Interval
from tvm_mnv3.workload import Workload

CORE = load_core("host")
WORKLOAD = Workload.parse("se_c200_s48_f32_relu_hsigmoid")
FASTER, SLOWER, SAME = Interval(0.98, 0.97, 0.99), Interval(1.01, 1.0, 1.02), Interval(0.999, 0.99, 1.01)


def entry(knobs: int, microseconds: float, rounds: int = 0) -> LogEntry:
    """Of the default (-1), or the assignment of that index among the others, measured on this machine."""
    template = template_of(WORKLOAD)
    default = template.default(WORKLOAD, CORE)
    others = [one for one in template.knobs(WORKLOAD, CORE) if one != default]
    return LogEntry(
        workload=WORKLOAD.name,
        core=log_core(CORE),
        space="template",
        template=template.operator,
        template_version=template.version,
        knobs=dataclasses.asdict(default if knobs < 0 else others[knobs]),
        device="local",
        versions={"tvm-mnv3": "0.1.0"},
        date="2026-11-25T00:00:00Z",
        seconds=(1e-6 * microseconds,) * 8,
        rounds=rounds,
    )


@pytest.mark.parametrize(
    ("ratios", "faster"),
    [
        ((FASTER, FASTER), True),
        ((FASTER, SAME), True),
        ((SAME, SAME), False),  # no gain is seen
        ((FASTER, SLOWER), False),
        ((SLOWER, FASTER), False),
        ((FASTER,), True),  # a machine with one CPU
    ],
)
def test_network_is_faster_where_one_number_of_threads_is_beyond_doubt_and_none_is_slower(
    ratios: tuple[Interval, ...], faster: bool
) -> None:
    assert NetworkTrial(("a",), dict(enumerate(ratios, 1))).faster == faster


@pytest.mark.parametrize(("good", "tried", "stay"), [(8, [5], 5), (4, [5, 2], 2), (1, [5, 2, 1], 1), (0, [5, 2, 1], 0)])
def test_as_many_of_the_winners_stay_as_make_the_network_faster(good: int, tried: list[int], stay: int) -> None:
    won = [entry(index, 1.0) for index in range(5)]

    def run(some: Sequence[LogEntry]) -> NetworkTrial:
        assert list(some) == won[: len(some)]
        return NetworkTrial(("a",) * len(some), {1: FASTER if len(some) <= good else SLOWER})

    trials: list[NetworkTrial] = []
    assert kept(won, run, trials.append) == won[:stay]
    assert [len(trial.workloads) for trial in trials] == tried


@pytest.mark.slow
def test_tune_ends_with_the_whole_network_and_the_log_holds_its_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_trial, "ROUNDS", 2)
    log = tmp_path / "log.jsonl"
    before = [entry(-1, 2), entry(0, 1), entry(-1, 2, rounds=8), entry(0, 1, rounds=8)]
    with open_log(log) as writer:
        for one in before:
            writer.append(one)
    done = invoke(
        "tune", MODEL, "--size", "64", "--target", "host", "--only", WORKLOAD.name, "--trials", "2", "--log", log
    )
    assert done.exit_code == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "The whole network with the knobs of one workload, of its time with the defaults:" in said
    stay = "they stay" in said
    assert stay != ("not faster beyond doubt" in said)
    entries = read_log(log).entries
    assert entries[:4] == tuple(before)
    assert len(entries) == (4 if stay else 5)
    used = tuned_knobs([log], [WORKLOAD.name], CORE).entries[WORKLOAD.name]
    assert (used.rounds, used.knobs) == (8, before[3 if stay else 2].knobs)
