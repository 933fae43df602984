"""Turns: who runs when, and what happens to one that fails."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tvm_mnv3.measuring.rounds import FEWEST_RUNS, Measurement, take_turns


@dataclass
class Contestant:
    """Takes always as long, writes down each burst, and fails at one of them."""

    name: str
    seconds: float
    diary: list[tuple[str, int]]
    fails_at: int | None = None
    bursts: int = field(default=0)

    def time(self, *, warmup: int, repeats: int) -> list[float]:
        self.bursts += 1
        if self.bursts == self.fails_at:
            raise RuntimeError(f"{self.name} broke")
        self.diary.append((self.name, repeats))
        return [self.seconds] * repeats


def never(name: str, error: Exception) -> None:
    raise AssertionError(f"{name}: {error}")


def test_contestants_take_turns() -> None:
    diary: list[tuple[str, int]] = []
    fast, slow = Contestant("fast", 0.001, diary), Contestant("slow", 0.1, diary)
    measured = take_turns({"fast": fast, "slow": slow}, rounds=3, burst_seconds=0.05, on_failure=never)
    # Each sizes its bursts by a short one before its first.
    first, *others = [name for name, repeats in diary if repeats != 3]
    assert [first, *others] == ["fast", "slow"] * 3
    assert len(measured["fast"].seconds) == 3 * 50
    assert len(measured["slow"].seconds) == 3 * FEWEST_RUNS
    assert measured["slow"].round_medians == (0.1, 0.1, 0.1)


def test_one_that_fails_is_named_and_the_others_go_on() -> None:
    failures: list[tuple[str, str]] = []
    good = Contestant("good", 0.01, [])
    bad = Contestant("bad", 0.01, [], fails_at=3)
    measured = take_turns({"bad": bad, "good": good}, 4, 0.05, lambda name, error: failures.append((name, str(error))))
    assert failures == [("bad", "bad broke")]
    assert list(measured) == ["good"]
    assert len(measured["good"].round_medians) == 4


def test_percentiles_are_of_all_runs() -> None:
    measurement = Measurement(tuple(float(second) for second in range(101)), ())
    assert [measurement.percentile(percent) for percent in (10, 50, 90)] == pytest.approx([10, 50, 90])
