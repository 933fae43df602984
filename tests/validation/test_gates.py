"""Gates as options and as a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvm_mnv3.errors import InputError
from tvm_mnv3.validation.gates import Gates, check_gates, check_measurable, read_gates


def test_a_file_s_gates_are_overridden_by_options(tmp_path: Path) -> None:
    file = tmp_path / "gates.toml"
    file.write_text("[gates]\nmin_top1 = 75\nmax_median_ms = 2.5\n")
    gates = read_gates(file).overridden_by(Gates(min_top1=80.0))
    assert gates.given() == {"min_top1": 80.0, "max_median_ms": 2.5}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[gates]\nmin_top = 75\n", "min_top1"),
        ("[gates]\nmin_top1 = '75'\n", "no number"),
        ("[gates]\nmin_top1 = true\n", "no number"),
        ("min_top1 = 75\n", r"\[gates\]"),
        ("[gates", "TOML"),
    ],
)
def test_a_file_that_is_no_file_of_gates_is_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "gates.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=words):
        read_gates(file)


def test_a_missing_file_of_gates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.toml"):
        read_gates(tmp_path / "missing.toml")


def test_a_limit_itself_passes_and_beyond_it_fails() -> None:
    gates = Gates(min_top1=75.0, max_median_ms=2.0, max_logit_error=1.0)
    met = check_gates(gates, {"min_top1": 75.0, "max_median_ms": 2.0, "max_logit_error": 1.0})
    assert [gate.passed for gate in met] == [True, True, True]
    missed = check_gates(gates, {"min_top1": 74.9, "max_median_ms": 2.1, "max_logit_error": float("inf")})
    assert [gate.passed for gate in missed] == [False, False, False]
    assert missed[0].sentence() == "min_top1: 74.9, at least 75 is asked"
    assert missed[2].sentence() == "max_median_ms: 2.1, at most 2 is asked"


def test_what_is_no_number_passes_no_gate() -> None:
    nan = float("nan")
    assert not any(gate.passed for gate in check_gates(Gates(min_top1=0.0, max_logit_error=9.0),
                                                       {"min_top1": nan, "max_logit_error": nan}))  # fmt: skip


@pytest.mark.parametrize(
    ("gates", "there", "words"),
    [
        (Gates(min_top1=1.0), {"labels": False, "reference": True, "timed": True}, "min_top1 needs labels"),
        (Gates(max_top1_drop=1.0), {"labels": True, "reference": False, "timed": True}, "labels and a reference"),
        (Gates(min_agreement=1.0), {"labels": True, "reference": False, "timed": True}, "a reference"),
        (Gates(max_p99_ms=1.0), {"labels": True, "reference": True, "timed": False}, "an emulated core has none"),
    ],
)
def test_a_gate_that_nothing_is_measured_for_is_refused(gates: Gates, there: dict[str, bool], words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_measurable(gates, **there)
    check_measurable(gates, labels=True, reference=True, timed=True)
