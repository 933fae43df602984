"""A bundle's and a reference's answers to pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tvm_mnv3.codegen.bundle import Bundle
from tvm_mnv3.devices import Session
from tvm_mnv3.errors import EnvironmentProblem, InputError
from tvm_mnv3.frontend.imported import Preprocessing
from tvm_mnv3.picture import preprocess, read_picture
from tvm_mnv3.validation.accuracy import PictureAnswer, picture_answer
from tvm_mnv3.validation.pictures import Picture
from tvm_mnv3.validation.reference import Array, Reference, check_answer
from tvm_mnv3.validation.result import Skipped

#: Runs that are given to the device at once: an emulated core starts a process for each time, and memory is finite.
_RUNS_AT_ONCE = 32
#: More unreadable pictures than this share are an error: then the answer would be about other pictures than asked.
MOST_UNREADABLE = 0.1


@dataclass(frozen=True)
class Answers:
    """What was answered.

    Parameters
    ----------
    pictures
        In order, without those that could not be read.
    failure
        Why not all were answered, or None.
    """

    pictures: tuple[PictureAnswer, ...]
    skipped: tuple[Skipped, ...]
    failure: str | None


class InputMaker:
    """Makes the bundle's input of pictures, as its manifest says."""

    def __init__(self, bundle: Bundle) -> None:
        manifest = bundle.manifest
        if manifest.preprocessing is None:
            raise InputError(
                f"{bundle.path} does not say how a picture becomes its input; compile it with --normalize imagenet, "
                "unit or symmetric, as it was trained."
            )
        if len(manifest.inputs) != 1 or len(manifest.outputs) != 1 or len(manifest.outputs[0].shape) != 2:
            raise InputError(f"{bundle.path} is no classifier of pictures: it has other inputs or outputs.")
        self._how = Preprocessing(**dict(manifest.preprocessing))
        self._dtype = manifest.inputs[0].dtype
        self.batch = manifest.inputs[0].shape[0]

    def one(self, picture: Picture) -> Array:
        """Float32 of shape (1, 3, height, width): the reference's input."""
        return preprocess(read_picture(picture.file), self._how)[None]

    def whole(self, pictures: Sequence[Array]) -> Array:
        """The bundle's input of at most `batch` pictures; the last one is repeated to fill it."""
        filled = np.concatenate([*pictures, *[pictures[-1]] * (self.batch - len(pictures))])
        if self._dtype == "uint8":
            filled = self._pixels(filled)
        return filled.astype(self._dtype)

    def _pixels(self, normalized: Array) -> Array:
        """The 8-bit NHWC pixels that were normalized: whole numbers, so the way back is exact."""
        mean, std = (np.asarray(values, np.float64) for values in (self._how.mean, self._how.std))
        return np.asarray(np.rint((normalized.transpose(0, 2, 3, 1) * std + mean) * 255))


def answer_pictures(
    bundle: Bundle, session: Session, pictures: Sequence[Picture], reference: Reference | None, threads: int = 1
) -> Answers:
    """Run every picture through the bundle, and through the reference if there is one.

    Raises
    ------
    InputError
        Too many pictures cannot be read, or the reference is another model.
    EnvironmentProblem
        The device failed before it had answered anything; later it ends the answers with a `failure`.
    """
    maker = InputMaker(bundle)
    skipped: list[Skipped] = []
    answers: list[PictureAnswer] = []
    failure = None
    for group in _groups(pictures, maker, skipped):
        runs = [group[start : start + maker.batch] for start in range(0, len(group), maker.batch)]
        try:
            outputs = session.run_many([[maker.whole([array for _, array in run])] for run in runs], threads)
        except EnvironmentProblem as problem:
            if not answers:
                raise
            failure = str(problem)
            break
        for run, (logits,) in zip(runs, outputs, strict=True):
            for (picture, array), row in zip(run, logits, strict=False):
                answers.append(picture_answer(picture, row, _reference_logits(reference, array, bundle)))
    _check_skipped(skipped, len(pictures))
    return Answers(tuple(answers), tuple(skipped), failure)


def _groups(
    pictures: Sequence[Picture], maker: InputMaker, skipped: list[Skipped]
) -> Iterator[list[tuple[Picture, Array]]]:
    """Pictures with their inputs, so many at once; those that cannot be read go to `skipped`."""
    size = _RUNS_AT_ONCE * maker.batch
    for start in range(0, len(pictures), size):
        group = []
        for picture in pictures[start : start + size]:
            try:
                group.append((picture, maker.one(picture)))
            except InputError as error:
                skipped.append(Skipped(picture.name, str(error)))
        if group:
            yield group


def _reference_logits(reference: Reference | None, array: Array, bundle: Bundle) -> Array | None:
    if reference is None:
        return None
    answer = reference.run(array)
    check_answer(reference, answer, bundle)
    return answer.reshape(-1)


def _check_skipped(skipped: Sequence[Skipped], count: int) -> None:
    if len(skipped) > MOST_UNREADABLE * count:
        raise InputError(
            f"{len(skipped)} of {count} pictures cannot be read, and at most {MOST_UNREADABLE:.0%} may; the first is "
            f"{skipped[0].name}: {skipped[0].reason}"
        )
