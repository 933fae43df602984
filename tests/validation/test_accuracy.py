"""Accuracy of answers that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tvm_mnv3.validation.accuracy import accuracy_of, logit_error, picture_answer
from tvm_mnv3.validation.pictures import Picture


def answer(best: int, label: int | None, reference: int | None = None, classes: int = 8):  # type: ignore[no-untyped-def]
    """A picture whose best class is `best`; the next best are those after it, in a circle."""

    def logits(first: int) -> np.ndarray:
        return np.roll(-np.arange(classes, dtype=np.float32), first)

    picture = Picture("p", Path("p"), label)
    return picture_answer(picture, logits(best), None if reference is None else logits(reference))


def test_top_1_and_top_5_count_the_labels_that_are_among_the_best() -> None:
    found = accuracy_of([answer(0, 0), answer(0, 4), answer(0, 5), answer(3, 3)])
    assert found.top1 is not None
    assert found.top5 is not None
    assert (found.top1.value, found.top5.value) == (50, 75)
    assert found.agreement is None
    assert found.top1_drop is None


def test_a_drop_and_an_agreement_are_against_the_reference() -> None:
    found = accuracy_of([answer(0, 0, 0), answer(1, 0, 0), answer(1, 0, 0), answer(2, 2, 1)])
    assert found.reference_top1 is not None
    assert found.top1_drop is not None
    assert found.agreement is not None
    assert found.reference_top1.value == 75
    assert found.top1_drop.value == 25
    assert found.agreement.value == 25


def test_without_labels_only_the_agreement_is_known() -> None:
    found = accuracy_of([answer(0, None, 0), answer(1, None, 0)])
    assert found.top1 is None
    assert found.labelled == 0
    assert found.agreement is not None
    assert found.agreement.value == 50


def test_the_error_of_logits_is_a_share_of_their_range() -> None:
    reference = np.array([0.0, 10.0, -10.0], np.float32)
    assert logit_error(reference + np.array([0, 0, 0.2], np.float32), reference) == pytest.approx(1.0)
    assert logit_error(np.array([0.0, np.nan, 0.0], np.float32), reference) == float("inf")
