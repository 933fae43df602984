"""What an entry says, and which of several is believed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tvm_mnv3.tuning.entry import LogEntry, Trust, best_of

EntryOf = Callable[..., LogEntry]


def test_line_of_an_entry_gives_it_back(entry_of: EntryOf) -> None:
    for entry in (
        entry_of(cycles=123.5, model="n1w"),
        entry_of(seconds=(1e-4, 1.1e-4, 1.2e-4), device="rpc://127.0.0.1:9190/a76 (one)", temperature=41.5),
        entry_of(failure="It crashed.", emulated=True),
    ):
        line = entry.to_json()
        assert "\n" not in line
        assert LogEntry.from_json(line) == entry


def test_line_says_the_spread_of_its_times(entry_of: EntryOf) -> None:
    line = json.loads(entry_of(seconds=(1e-3, 2e-3, 3e-3, 4e-3, 5e-3)).to_json())
    assert line["spread"] == pytest.approx(2 / 3, abs=1e-3)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[1]", "not a JSON object"),
        ('{"log_version": 99}', "log_version is 99"),
        ("{}", "log_version is None"),
        ('{"log_version": 1, "workload": "x"}', "missing"),
        ('{"log_version": 1, "surprise": 1}', "surprise"),
        ("no json", "Expecting value"),
    ],
)
def test_line_that_is_no_entry_is_refused(line: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LogEntry.from_json(line)


def test_measured_entry_outranks_a_modelled_one_whatever_they_say(entry_of: EntryOf) -> None:
    modelled, measured = entry_of(cycles=1.0, model="n1w"), entry_of(seconds=(5.0, 5.0), index=1)
    noisy = entry_of(seconds=(1.0, 2.0, 3.0), index=2)
    assert best_of([modelled, measured]) == measured
    assert best_of([noisy, measured]) == measured
    assert best_of([noisy, modelled]) == noisy


def test_emulated_time_outranks_nothing_and_a_failure_is_never_best(entry_of: EntryOf) -> None:
    emulated, failed = entry_of(seconds=(1e-9,), emulated=True), entry_of(failure="It crashed.")
    assert emulated.trust == Trust.EMULATED
    assert best_of([emulated, entry_of(cycles=9e9, model="n1w")]) != emulated
    assert best_of([failed]) is None
    assert failed.score == float("inf")


def test_among_equals_the_fastest_is_best(entry_of: EntryOf) -> None:
    slow, fast = entry_of(cycles=20.0, model="n1w"), entry_of(cycles=10.0, model="n1w", index=1)
    assert best_of([slow, fast]) == fast
