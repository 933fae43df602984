"""What won against its default is known from the log alone."""

from __future__ import annotations

from collections.abc import Callable

from support.tasks import task_of

from tvm_mnv3.targets import load_core
from tvm_mnv3.tuning.candidate import template_of
from tvm_mnv3.tuning.entry import LogEntry
from tvm_mnv3.tuning.winners import default_of, winners
from tvm_mnv3.workload import Workload

CORE = load_core("cortex-a76")
NAMES = ("pointwise_h7w7_i24_o40_f32_bias", "pool_h7w7_c40_f32", "pool_h7w7_c48_f32", "pool_h7w7_c80_f32")
EntryOf = Callable[..., LogEntry]


def index_of_default(name: str) -> int:
    workload = Workload.parse(name)
    return template_of(workload).knobs(workload, CORE).index(template_of(workload).default(workload, CORE))


def test_winners_are_those_of_last_contests_and_come_by_what_they_promise(entry_of: EntryOf) -> None:
    def contest(name: str, default: float, winner: float, date: str = "2026-11-25T00:00:00Z") -> list[LogEntry]:
        place = index_of_default(name)
        pairs = ((place, default), (place - 1 if place else 1, winner))
        return [
            entry_of(name, index, device="local", seconds=(time,) * 8, rounds=8, date=date) for index, time in pairs
        ]

    small, large, back, untried = NAMES
    tasks = [task_of(Workload.parse(name), CORE, uses) for name, uses in zip(NAMES, (1, 3, 1, 1), strict=True)]
    lost = contest(back, 5.0, 1.0)
    again = contest(back, 5.0, 4.0, date="2026-11-26T00:00:00Z")[:1]
    trials = [entry_of(untried, index, device="local", seconds=(1.0,) * 5) for index in (0, 1)]
    entries = [*contest(small, 2.0, 1.0), *contest(large, 1.5, 1.0), *lost, *again, *trials]
    won = winners(tasks, entries)
    assert [entry.workload for entry in won] == [large, small]
    assert [entry.score for entry in won] == [1.0, 1.0]
    assert default_of(tasks[2], entries) == again[0]
    assert default_of(tasks[3], entries) is None
