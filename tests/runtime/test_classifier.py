"""Pixels to labels through classifier.h: right answers, and a sentence for everything that is wrong."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.classifiers import UNIT, MadeUpModel, classifier_library

from tvm_mnv3 import runtime
from tvm_mnv3.frontend.imported import Preprocessing
from tvm_mnv3.packages.wheel_files import bindings
from tvm_mnv3.packages.wheel_files.classifier import ClassifierError, PixelClassifier, Result

HOW = Preprocessing(8, 8, "bilinear", **UNIT)
GREY = np.full((10, 12, 3), 128, np.uint8)
HEADERS = "".join((runtime.FOLDER / name).read_text() for name in ("tvm_mnv3.h", "classifier.h"))


def status(name: str) -> int:
    (code,) = re.findall(rf"TVM_MNV3_{name} = (\d+)", HEADERS)
    return int(code)


def classifier_of(model: MadeUpModel, **options: Any) -> PixelClassifier:
    return PixelClassifier(classifier_library(), model.address, **{"threads": 1, **options})


def test_the_best_classes_come_first_with_their_softmax_and_label() -> None:
    logits = np.array([0.5, 3.0, -1.0, 3.0, 1.0], np.float32)
    with classifier_of(MadeUpModel(HOW, logits=logits), labels=b"a\nb\r\nc\nd\xc3\xa9\ne") as classifier:
        best = classifier.classify(GREY, top=3)
    probabilities = np.exp(logits - 3.0) / np.exp(logits - 3.0).sum()
    assert [(result.index, result.label) for result in best] == [(1, "b"), (3, "dé"), (4, "e")]
    np.testing.assert_allclose([result.score for result in best], probabilities[[1, 3, 4]], rtol=1e-6)


def test_more_classes_than_there_are_cannot_be_had() -> None:
    with classifier_of(MadeUpModel(HOW)) as classifier:
        best = classifier.classify(GREY, top=10)
    assert [result.index for result in best] == [2, 1, 0]
    assert [result.label for result in best] == [None] * 3


@pytest.mark.parametrize(
    "logits", [(np.nan, 1.0, 0.0), (np.inf, 1.0, np.inf), (-np.inf,) * 3, (np.nan,) * 3, (3e38, -3e38, 0.0)]
)
def test_logits_that_are_no_numbers_still_give_an_order(logits: tuple[float, ...]) -> None:
    with classifier_of(MadeUpModel(HOW, logits=logits)) as classifier:
        best = classifier.classify(GREY, top=3)
    lowered = [-np.inf if np.isnan(logit) else logit for logit in logits]
    assert [result.index for result in best] == list(np.argsort([-logit for logit in lowered], kind="stable"))
    assert all(0.0 <= result.score <= 1.0 for result in best)


def test_a_failing_model_s_status_comes_back_and_the_classifier_stays_usable() -> None:
    model = MadeUpModel(HOW, status=status("MISALIGNED_CONTEXT"))
    with classifier_of(model) as classifier:
        with pytest.raises(ClassifierError) as caught:
            classifier.classify(GREY)
        assert caught.value.status == model.status
        model.status = 0
        assert classifier.classify(GREY, top=1) == [Result(2, pytest.approx(0.6652409), None)]


def test_every_status_has_a_sentence_of_its_own() -> None:
    codes = sorted({int(code) for code in re.findall(r"^  TVM_MNV3_[A-Z_]+ = (\d+),?(?: +/\*|$)", HEADERS, re.M)})
    text = classifier_library().tvm_mnv3_status_text
    sentences = [text(code).decode() for code in range(18)]
    assert set(range(18)) <= set(codes)
    assert len(set(sentences)) == 18
    assert all(sentence.endswith(".") for sentence in sentences)
    assert text(18) == text(-1) == text(2**31 - 1) == b"Unknown status code."


PIXELS: dict[str, Callable[[bindings.Pixels], None]] = {
    "BAD_STRUCT": lambda p: setattr(p, "struct_size", 4),
    "UNKNOWN_FORMAT": lambda p: setattr(p, "format", 5),
    "BAD_SIZE": lambda p: setattr(p, "width", 0),
    "NULL_POINTER": lambda p: setattr(p, "data", None),
    "SHORT_STRIDE": lambda p: setattr(p, "stride", 35),
    "SHORT_BUFFER": lambda p: setattr(p, "size", 359),
    "TOO_LARGE": lambda p: (setattr(p, "width", 1 << 14), setattr(p, "height", 1 << 14), setattr(p, "size", 1 << 62)),  # type: ignore[func-returns-value]
}


@pytest.mark.parametrize("wrong", PIXELS)
def test_pixels_that_are_wrong_are_refused(wrong: str) -> None:
    library, handle, results = classifier_library(), ctypes.c_void_p(), (bindings.BestClass * 1)()
    model = MadeUpModel(HOW)
    assert library.tvm_mnv3_classifier_create(model.address, None, ctypes.byref(handle)) == 0
    pixels = bindings.Pixels(
        struct_size=ctypes.sizeof(bindings.Pixels), width=12, height=10, data=GREY.ctypes.data, size=360
    )
    assert library.tvm_mnv3_classify(handle, ctypes.byref(pixels), results, 1) == 0
    PIXELS[wrong](pixels)
    assert library.tvm_mnv3_classify(handle, ctypes.byref(pixels), results, 1) == status(wrong)
    library.tvm_mnv3_classifier_destroy(handle)


@pytest.mark.parametrize(
    ("width", "height", "stride", "size", "wanted"),
    [
        (4, 4, 0, 24, "OK"), (4, 4, 0, 23, "SHORT_BUFFER"), (4, 4, 6, 34, "OK"), (4, 4, 6, 33, "SHORT_BUFFER"),
        (3, 3, 0, 17, "OK"), (3, 3, 0, 16, "SHORT_BUFFER"), (3, 3, 3, 100, "SHORT_STRIDE"),
        (4, 4, 3, 100, "SHORT_STRIDE"),
        (4, 4, 1 << 63, 100, "SHORT_BUFFER"), (2**31 - 1, 2**31 - 1, 0, 100, "SHORT_BUFFER"),
    ],
)  # fmt: skip
def test_nv21_needs_both_planes(width: int, height: int, stride: int, size: int, wanted: str) -> None:
    data = np.zeros(128, np.uint8)
    pixels = bindings.Pixels(
        struct_size=ctypes.sizeof(bindings.Pixels), format=4, width=width, height=height, data=data.ctypes.data,
        size=size, stride=stride,
    )  # fmt: skip
    library, handle, results = classifier_library(), ctypes.c_void_p(), (bindings.BestClass * 1)()
    model = MadeUpModel(HOW)
    assert library.tvm_mnv3_classifier_create(model.address, None, ctypes.byref(handle)) == 0
    assert library.tvm_mnv3_classify(handle, ctypes.byref(pixels), results, 1) == status(wanted)
    library.tvm_mnv3_classifier_destroy(handle)


def test_null_pointers_are_refused() -> None:
    library, handle, results = classifier_library(), ctypes.c_void_p(), (bindings.BestClass * 1)()
    model, pixels = MadeUpModel(HOW), bindings.Pixels()
    null = status("NULL_POINTER")
    assert library.tvm_mnv3_classifier_create(None, None, ctypes.byref(handle)) == null
    assert library.tvm_mnv3_classifier_create(model.address, None, None) == null
    assert library.tvm_mnv3_classify(None, ctypes.byref(pixels), results, 1) == null
    assert library.tvm_mnv3_prepare(None, ctypes.byref(pixels), results, 1) == null
    assert library.tvm_mnv3_classifier_chosen(None, ctypes.byref(bindings.Chosen())) == null
    library.tvm_mnv3_classifier_destroy(None)
    assert library.tvm_mnv3_classifier_create(model.address, None, ctypes.byref(handle)) == 0
    assert library.tvm_mnv3_classify(handle, None, results, 1) == null
    assert library.tvm_mnv3_classify(handle, ctypes.byref(pixels), None, 1) == null
    assert library.tvm_mnv3_classify(handle, ctypes.byref(pixels), results, 0) == status("BAD_COUNT")
    assert library.tvm_mnv3_classifier_chosen(handle, ctypes.byref(bindings.Chosen())) == status("BAD_STRUCT")
    library.tvm_mnv3_classifier_destroy(handle)


MODELS: dict[str, Callable[[MadeUpModel], None]] = {
    "WRONG_VERSION": lambda m: setattr(m.description, "abi_version", 1),
    "NO_PICTURE": lambda m: setattr(m.description, "picture", None),
    "NO_CLASSIFIER": lambda m: setattr(m.description, "num_inputs", 2),
}


@pytest.mark.parametrize("wrong", MODELS)
def test_models_that_are_no_classifier_of_this_version_are_refused(wrong: str) -> None:
    model = MadeUpModel(HOW)
    MODELS[wrong](model)
    with pytest.raises(ClassifierError) as caught:
        classifier_of(model)
    assert caught.value.status == status(wrong)


@pytest.mark.parametrize("part", ["input", "output"])
@pytest.mark.parametrize(("field", "value"), [("dtype", 5), ("ndim", 1)])
def test_tensors_that_are_no_picture_or_no_scores_are_refused(part: str, field: str, value: int) -> None:
    model = MadeUpModel(HOW)
    setattr(getattr(model, part), field, value)
    with pytest.raises(ClassifierError, match="no classifier"):
        classifier_of(model)


@pytest.mark.parametrize(
    "options",
    [{"threads": -1}, {"threads": 65}, {"cores": "medium"}, {"max_short_side": -1}, {"max_short_side": 65536}],
)
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ClassifierError, match="option is out of range"):
        classifier_of(MadeUpModel(HOW), **options)


@pytest.mark.parametrize("labels", [b"", b"a\nb\n", b"a\nb\nc\nd\n", b"a\nb\n\0\n", b"a\nb\nc\n\n"])
def test_labels_that_are_cut_off_or_of_another_model_are_refused(labels: bytes) -> None:
    with pytest.raises(ClassifierError, match="labels"):
        classifier_of(MadeUpModel(HOW), labels=labels)


def test_memory_beyond_the_planned_arena_is_below_a_megabyte() -> None:
    for interpolation in ("bilinear", "bicubic"):
        how = Preprocessing(256, 224, interpolation, **UNIT)
        with classifier_of(MadeUpModel(how, logits=np.zeros(1000)), threads=4, labels=b"x" * 20 + b"\n" * 1000) as it:
            assert it.chosen["memory"] - it.chosen["context"] < 1_000_000


def test_the_short_side_may_be_as_long_as_the_option_says_and_no_longer() -> None:
    row = np.zeros((1, 9000, 3), np.uint8)
    with classifier_of(MadeUpModel(HOW), max_short_side=40) as classifier:
        classifier.classify(np.zeros((40, 9000, 3), np.uint8))
        with pytest.raises(ClassifierError, match="max_short_side"):
            classifier.classify(np.zeros((41, 41, 3), np.uint8))
        classifier.classify(row)


def test_the_documentation_has_every_sentence() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "deploy.md").read_text()
    text = classifier_library().tvm_mnv3_status_text
    for code in range(18):
        assert f"| {code} | " in page
        assert text(code).decode() in page
