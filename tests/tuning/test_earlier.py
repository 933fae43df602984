"""Which trials of a log a run goes on from: those on such a device, in such a space, with these templates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from tvm_mnv3.targets import load_core
from tvm_mnv3.tuning.build import BuiltKernel
from tvm_mnv3.tuning.earlier import earlier_entries
from tvm_mnv3.tuning.entry import LogEntry
from tvm_mnv3.tuning.score import Score

CORE = load_core("cortex-a76")
FARM = "rpc://127.0.0.1:9190/cortex-a76"


@dataclass(frozen=True)
class Named:
    """A device that nobody measures on."""

    name: str
    emulated: bool = False
    batch: int = 1
    parallel: int = 1
    cpu: int | None = None

    def measure(self, kernels: Sequence[BuiltKernel], *, patient: bool = True) -> list[Score]:
        raise AssertionError

    def close(self) -> None:
        raise AssertionError


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({"device": FARM}, True),
        ({"device": "rpc://10.0.0.1:9190/cortex-a76"}, True),
        ({"device": "rpc://127.0.0.1:9190/pixel"}, False),
        ({"device": "adb"}, False),
        ({"device": FARM, "emulated": True}, False),
        ({"device": FARM, "template_version": 99}, False),
        ({"device": FARM, "core": "cortex-a55"}, False),
    ],
)
def test_trial_counts_where_it_means_the_same(
    entry_of: Callable[..., LogEntry], fields: dict[str, object], counts: bool
) -> None:
    entry = entry_of(**{"seconds": (1e-3,), "core": "cortex-a76", **fields})
    assert (entry in earlier_entries([entry], Named(FARM), False, CORE)) == counts
    assert earlier_entries([entry], Named(FARM), True, CORE) == []


def test_what_an_emulator_gave_counts_on_an_emulator(entry_of: Callable[..., LogEntry]) -> None:
    emulated, measured = (entry_of(device=FARM, seconds=(1e-3,), emulated=value) for value in (True, False))
    assert earlier_entries([emulated, measured], Named(FARM, emulated=True), False, CORE) == [emulated]
