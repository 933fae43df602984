"""The companion's pictures are the training side's: Pillow's resize to within one grey level, then the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from support.classifiers import UNIT, MadeUpModel, classifier_library

from tvm_mnv3.frontend.imported import Preprocessing
from tvm_mnv3.packages.wheel_files.classifier import PixelClassifier
from tvm_mnv3.picture import preprocess

#: Width and height: of cameras and files, as large as the crop, smaller, of one pixel, and beyond the crop on one side.
SIZES = [(1920, 1080), (1080, 1920), (500, 375), (256, 256), (224, 224), (100, 37), (1, 1), (300, 3), (4000, 3000)]
FRAMES = [(256, 224), (224, 224), (200, 224)]


def picture(kind: str, width: int, height: int) -> np.ndarray:
    random = np.random.default_rng(width * height)
    if kind == "noise":
        return random.integers(0, 256, (height, width, 3), np.uint8)
    return (random.integers(0, 2, (height, width, 3)) * 255).astype(np.uint8)  # the worst that a filter can meet


def prepared(how: Preprocessing, pixels: np.ndarray, format: str = "RGB") -> np.ndarray:
    """The picture as whole grey levels, (crop, crop, 3)."""
    model = MadeUpModel(how, dtype="uint8", channels_last=True)
    with PixelClassifier(classifier_library(), model.address, threads=1) as classifier:
        return classifier.prepare(pixels, np.empty(model.shape, np.uint8), format=format)[0].astype(int)


def expected(how: Preprocessing, pixels: np.ndarray) -> np.ndarray:
    return np.rint(preprocess(Image.fromarray(pixels), how) * 255).astype(int).transpose(1, 2, 0)


@pytest.mark.parametrize("kind", ["noise", "edges"])
@pytest.mark.parametrize("size", SIZES)
def test_bilinear_is_within_one_grey_level_of_pillow(size: tuple[int, int], kind: str) -> None:
    pixels = picture(kind, *size)
    for resize, crop in FRAMES:
        how = Preprocessing(resize, crop, "bilinear", **UNIT)
        assert np.abs(prepared(how, pixels) - expected(how, pixels)).max() <= 1


@pytest.mark.parametrize("kind", ["noise", "edges"])
@pytest.mark.parametrize("size", SIZES)
def test_bicubic_is_pillow_s_to_the_bit(size: tuple[int, int], kind: str) -> None:
    pixels = picture(kind, *size)
    for resize, crop in FRAMES:
        how = Preprocessing(resize, crop, "bicubic", **UNIT)
        assert np.array_equal(prepared(how, pixels), expected(how, pixels))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("format", ["BGR", "RGBA", "BGRA"])
def test_the_order_of_channels_changes_nothing(format: str, interpolation: str) -> None:
    how = Preprocessing(64, 56, interpolation, **UNIT)
    pixels = picture("noise", 201, 150)
    alpha = np.full((150, 201, 1), 77, np.uint8)
    given = {
        "BGR": pixels[..., ::-1],
        "RGBA": np.dstack([pixels, alpha]),
        "BGRA": np.dstack([pixels[..., ::-1], alpha]),
    }
    assert np.array_equal(prepared(how, given[format], format), prepared(how, pixels))


@pytest.mark.parametrize(("interpolation", "tolerance"), [("bilinear", 2), ("bicubic", 2)])
@pytest.mark.parametrize("size", [(200, 150), (640, 480), (2, 2)])
def test_nv21_is_full_range_bt601(size: tuple[int, int], interpolation: str, tolerance: int) -> None:
    width, height = size
    how = Preprocessing(64, 56, interpolation, **UNIT)
    planes = np.random.default_rng(3).integers(0, 256, (height * 3 // 2, width), np.uint8)
    luma = planes[:height].astype(float)
    v, u = (planes[height:].reshape(height // 2, width // 2, 2)[..., i].astype(float) - 128 for i in (0, 1))
    v, u = (np.repeat(np.repeat(plane, 2, axis=0), 2, axis=1) for plane in (v, u))
    rgb = np.stack([luma + 1.402 * v, luma - 0.344136 * u - 0.714136 * v, luma + 1.772 * u], axis=-1)
    pixels = np.rint(rgb.clip(0, 255)).astype(np.uint8)

    assert np.abs(prepared(how, planes, "NV21") - expected(how, pixels)).max() <= tolerance


@pytest.mark.parametrize("channels_last", [False, True])
def test_float_inputs_are_normalized_as_in_training(channels_last: bool) -> None:
    how = Preprocessing(64, 56, "bicubic", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    pixels = picture("noise", 201, 150)
    model = MadeUpModel(how, channels_last=channels_last)
    with PixelClassifier(classifier_library(), model.address, threads=1) as classifier:
        got = classifier.prepare(pixels, np.empty(model.shape, np.float32))[0]
    wanted = preprocess(Image.fromarray(pixels), how)
    np.testing.assert_allclose(got.transpose(2, 0, 1) if channels_last else got, wanted, atol=2e-6)


def test_one_classifier_takes_pictures_of_any_size_in_any_order() -> None:
    how = Preprocessing(64, 56, "bicubic", **UNIT)
    model = MadeUpModel(how, dtype="uint8", channels_last=True)
    with PixelClassifier(classifier_library(), model.address, threads=1) as classifier:
        for size in [(300, 200), (20, 30), (300, 200), (300, 201), (1000, 700), (20, 30)]:
            pixels = picture("noise", *size)
            got = classifier.prepare(pixels, np.empty(model.shape, np.uint8))[0]
            assert np.array_equal(got, expected(how, pixels))
