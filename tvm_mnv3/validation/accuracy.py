"""Accuracy: what a bundle answered, against labels and against a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tvm_mnv3.picture import top_classes
from tvm_mnv3.validation.intervals import Interval, median, paired_drop, proportion
from tvm_mnv3.validation.pictures import Picture
from tvm_mnv3.validation.reference import Array

#: How many of the best classes are kept of each picture: what top-5 needs.
BEST = 5


@dataclass(frozen=True)
class PictureAnswer:
    """What was answered to one picture.

    Parameters
    ----------
    name
        As of `tvm_mnv3.validation.pictures.Picture`.
    label
        The class that is right, or None.
    best, reference_best
        The best classes with their probability, best first; the reference's is empty without one.
    logit_error
        The largest difference from the reference's logits, in per cent of their range; None without a reference.
    """

    name: str
    label: int | None
    best: tuple[tuple[int, float], ...]
    reference_best: tuple[tuple[int, float], ...] = ()
    logit_error: float | None = None

    @property
    def agrees(self) -> bool:
        """Whether the best class is the reference's."""
        return bool(self.reference_best) and self.best[0][0] == self.reference_best[0][0]


@dataclass(frozen=True)
class Accuracy:
    """All pictures together; None is what there was nothing to compare with. Shares are in per cent.

    Parameters
    ----------
    pictures, labelled
        How many were answered, and how many of them have a label.
    top1, top5, reference_top1, reference_top5
        Labels that are the best class, or among the best five.
    top1_drop
        By how many points the bundle is less often right than the reference.
    agreement
        Pictures with the reference's best class.
    logit_error
        The median over the pictures of the largest difference in logits, as a share of their range.
    largest_logit_error
        The same, of the worst picture.
    """

    pictures: int
    labelled: int
    top1: Interval | None
    top5: Interval | None
    reference_top1: Interval | None
    reference_top5: Interval | None
    top1_drop: Interval | None
    agreement: Interval | None
    logit_error: Interval | None
    largest_logit_error: float | None


def picture_answer(picture: Picture, logits: Array, reference: Array | None) -> PictureAnswer:
    """What is kept of one picture's logits."""
    if reference is None:
        return PictureAnswer(picture.name, picture.label, tuple(top_classes(logits, BEST)))
    return PictureAnswer(
        picture.name,
        picture.label,
        tuple(top_classes(logits, BEST)),
        tuple(top_classes(reference, BEST)),
        logit_error(logits, reference),
    )


def logit_error(logits: Array, reference: Array) -> float:
    """The largest difference, in per cent of the range of the reference's; infinite where a number is none."""
    if not np.isfinite(logits).all():
        return float("inf")
    span = float(np.ptp(reference)) or 1.0
    return 100 * float(np.abs(logits.astype(np.float64) - reference).max()) / span


def accuracy_of(answers: Sequence[PictureAnswer]) -> Accuracy:
    """The accuracy of one picture or more."""
    labelled = [answer for answer in answers if answer.label is not None]
    compared = [answer for answer in answers if answer.reference_best]
    both = [answer for answer in labelled if answer.reference_best]
    errors = [answer.logit_error for answer in compared if answer.logit_error is not None]
    ours = [_rank(answer.best, answer.label) == 0 for answer in both]
    theirs = [_rank(answer.reference_best, answer.label) == 0 for answer in both]
    return Accuracy(
        pictures=len(answers),
        labelled=len(labelled),
        top1=_share([_rank(answer.best, answer.label) < 1 for answer in labelled]),
        top5=_share([_rank(answer.best, answer.label) < BEST for answer in labelled]),
        reference_top1=_share(theirs),
        reference_top5=_share([_rank(answer.reference_best, answer.label) < BEST for answer in both]),
        top1_drop=(
            paired_drop(
                sum(r and not o for o, r in zip(ours, theirs, strict=True)),
                sum(o and not r for o, r in zip(ours, theirs, strict=True)),
                len(both),
            )
            if both
            else None
        ),
        agreement=_share([answer.agrees for answer in compared]),
        logit_error=median(errors) if errors else None,
        largest_logit_error=max(errors) if errors else None,
    )


def _share(right: Sequence[bool]) -> Interval | None:
    return proportion(sum(right), len(right)) if right else None


def _rank(best: Sequence[tuple[int, float]], label: int | None) -> int:
    """At which place a label stands; `BEST` where it is not among them."""
    classes = [index for index, _ in best]
    return classes.index(label) if label in classes else BEST
