"""What changed from one result to another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tvm_mnv3.compare import Comparison, compare
from tvm_mnv3.errors import InputError

Write = Callable[[str, dict[str, Any]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_json(name: str, data: dict[str, Any]) -> Path:
        (tmp_path / name).write_text(json.dumps(data))
        return tmp_path / name

    return write_json


def validation(top1: float = 77.6, median: float = 1.0, library: int = 1000, kernel: float = 5.0) -> dict[str, Any]:
    """As `Validation.to_json` writes it, in the part that is compared."""
    return {
        "kind": "validation",
        "device": "local",
        "machine": {"cpu": "a CPU"},
        "model": {"sizes": {"library": library}, "versions": {"tvm-mnv3": "0.1.0"}},
        "accuracy": {"top1": {"value": top1}, "agreement": None},
        "latency": {"milliseconds": [median, median, 3 * median]},
        "profile": {"steps": [{"kernel": "a", "microseconds": kernel}, {"kernel": "a", "microseconds": 1.0}]},
    }


def worse(found: Comparison) -> set[str]:
    return {change.name for change in found.worse}


def test_equal_results_have_nothing_worse_and_no_facts(write: Write) -> None:
    found = compare(write("a", validation()), write("b", validation()))
    assert found.worse == ()
    assert found.facts == {}
    assert {change.difference for change in found.changes} == {0.0}


def test_worse_beyond_the_threshold_is_told_and_better_never_is(write: Write) -> None:
    before = write("a", validation())
    assert worse(compare(before, write("b", validation(median=1.06)))) == {
        "latency, median",
        "latency, p90",
        "latency, p99",
    }
    assert worse(compare(before, write("b", validation(median=1.04)))) == set()
    assert worse(compare(before, write("b", validation(median=0.5, top1=99.0, library=10)))) == set()
    assert worse(compare(before, write("b", validation(library=1060)), threshold=10)) == set()


def test_an_accuracy_is_compared_in_points(write: Write) -> None:
    before = write("a", validation(top1=77.6))
    assert worse(compare(before, write("b", validation(top1=77.2)))) == set()
    assert worse(compare(before, write("b", validation(top1=77.0)))) == {"top1"}
    assert worse(compare(before, write("b", validation(top1=77.0)), points=1.0)) == set()


def test_kernels_are_summed_over_their_uses(write: Write) -> None:
    (change,) = compare(write("a", validation(kernel=5.0)), write("b", validation(kernel=8.0))).kernels
    assert (change.before, change.after, change.difference) == (6.0, 9.0, pytest.approx(50.0))


def test_what_else_differs_is_told(write: Write) -> None:
    other = validation()
    other["machine"] = {"cpu": "another CPU"}
    other["model"]["versions"] = {"tvm-mnv3": "0.2.0"}
    facts = compare(write("a", validation()), write("b", other)).facts
    assert facts == {"machine": ("a CPU", "another CPU"), "versions": ("tvm-mnv3 0.1.0", "tvm-mnv3 0.2.0")}


def test_a_number_that_one_side_lacks_is_shown_and_never_worse(write: Write) -> None:
    emulated = validation()
    emulated["latency"] = None
    found = compare(write("a", validation()), write("b", emulated))
    (median,) = (change for change in found.changes if change.name == "latency, median")
    assert (median.before, median.after, median.is_worse) == (1.0, None, False)


def test_what_cannot_be_compared_is_refused(write: Write, tmp_path: Path) -> None:
    one = write("a", validation())
    with pytest.raises(InputError, match=r"validation and .* a bench"):
        compare(one, write("b", {"kind": "bench", "entries": []}))
    with pytest.raises(InputError, match="not what validate"):
        compare(one, write("c", {"model": 1}))
    with pytest.raises(InputError, match="cannot be read"):
        compare(one, tmp_path / "missing.json")
