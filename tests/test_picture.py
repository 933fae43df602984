"""Preprocessing equals torchvision's and timm's evaluation transforms, to the last bit of every pixel."""

from __future__ import annotations

import importlib.util
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from support.library_models import define_missing_operators

from tvm_mnv3.frontend.imported import Preprocessing
from tvm_mnv3.models import ModelEntry, find_model, model_entries
from tvm_mnv3.options import NORMALIZATIONS
from tvm_mnv3.picture import preprocess

#: Wide, tall, smaller than the crop, of odd sides, and square.
SIZES = ((500, 375), (333, 500), (120, 97), (1023, 301), (256, 256))


def picture(width: int, height: int) -> Image.Image:
    """Edges and gradients in every channel, where filters differ."""
    random = np.random.default_rng(width * height)
    noise = random.integers(0, 256, (height, width, 3))
    ramp = np.linspace(0, 255, width)[None, :, None] * np.ones((height, 1, 3))
    return Image.fromarray(np.where(noise > 160, noise, ramp).astype(np.uint8))


def torchvision_transform(how: Preprocessing) -> Any:
    """What torchvision's presets/_ImageClassification does, of its own parts."""
    define_missing_operators()
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed, and pixels are compared with its own")
    from torchvision.transforms._presets import ImageClassification
    from torchvision.transforms.functional import InterpolationMode

    return ImageClassification(
        crop_size=how.crop,
        resize_size=how.resize,
        mean=how.mean,
        std=how.std,
        interpolation=InterpolationMode(how.interpolation),
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("normalization", list(NORMALIZATIONS))
def test_every_pixel_is_torchvision_s(size: tuple[int, int], interpolation: str, normalization: str) -> None:
    mean, std = NORMALIZATIONS[normalization]
    how = Preprocessing(resize=256, crop=224, interpolation=interpolation, mean=mean, std=std)
    image = picture(*size)
    expected = torchvision_transform(how)(image).numpy()
    np.testing.assert_array_equal(preprocess(image, how), expected)


TIMM = [entry for entry in model_entries() if entry.family == "timm"]


@pytest.mark.parametrize("entry", TIMM, ids=lambda entry: entry.name)
def test_every_pixel_is_timm_s(entry: ModelEntry) -> None:
    define_missing_operators()
    timm = pytest.importorskip("timm", reason="timm is not installed, and pixels are compared with its own")
    config = timm.data.resolve_data_config({}, pretrained_cfg=timm.get_pretrained_cfg(entry.name).to_dict())
    transform = timm.data.create_transform(**config, is_training=False)
    how = Preprocessing(**asdict(entry.transform))
    for size in SIZES:
        image = picture(*size)
        np.testing.assert_array_equal(preprocess(image, how), transform(image).numpy())


@pytest.mark.parametrize("name", ["mobilenet_v3_large", "mobilenet_v3_small"])
def test_every_pixel_is_that_of_torchvision_s_published_weights(name: str) -> None:
    define_missing_operators()
    torchvision = pytest.importorskip("torchvision", reason="torchvision is not installed")
    entry = find_model(name)
    assert entry.published is not None
    weights = torchvision.models.get_model_weights(name)[entry.published.label]
    image = picture(500, 375)
    ours = preprocess(image, Preprocessing(**asdict(entry.transform)))
    np.testing.assert_array_equal(ours, weights.transforms()(image).numpy())
    assert torch.from_numpy(ours).shape == (3, 224, 224)
