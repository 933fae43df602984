"""From a picture file to a network's input, as the training library's evaluation does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from tvm_mnv3.errors import InputError
from tvm_mnv3.frontend.imported import Preprocessing

_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def read_picture(file: Path) -> Image.Image:
    """A picture in RGB.

    Raises
    ------
    InputError
        The file is missing, or is no picture that can be read.
    """
    try:
        with Image.open(file) as image:
            picture: Image.Image = image.convert("RGB")
            return picture
    except FileNotFoundError as error:
        raise InputError(f"The picture {file} does not exist.") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"The picture {file} cannot be read ({error}); give a JPEG or PNG file.") from error


def preprocess(image: Image.Image, how: Preprocessing) -> npt.NDArray[np.float32]:
    """Resize the short side, cut out the centre, normalize: float32, shape ``(3, crop, crop)``."""
    pixels = pixels_of(image, how).astype(np.float32) / np.float32(255)
    mean, std = (np.asarray(values, dtype=np.float32) for values in (how.mean, how.std))
    normalized = (pixels - mean) / std
    return np.ascontiguousarray(normalized.transpose(2, 0, 1), dtype=np.float32)


def pixels_of(image: Image.Image, how: Preprocessing) -> npt.NDArray[np.uint8]:
    """Resize the short side and cut out the centre: uint8, shape ``(crop, crop, 3)``.

    As torchvision's ``Resize`` and ``CenterCrop`` on Pillow images: the long side is truncated, the crop's corner
    rounded to even (``torchvision/transforms/functional.py``); a crop beyond the picture is filled with black.
    """
    width, height = image.size
    short, long = min(width, height), max(width, height)
    other = int(how.resize * long / short)
    size = (how.resize, other) if width <= height else (other, how.resize)
    if image.size != size:
        image = image.resize(size, _FILTERS[how.interpolation])
    left, top = round((image.width - how.crop) / 2.0), round((image.height - how.crop) / 2.0)
    image = image.crop((left, top, left + how.crop, top + how.crop))
    return np.asarray(image, dtype=np.uint8)


def top_classes(logits: npt.NDArray[Any], count: int) -> list[tuple[int, float]]:
    """The classes of the largest logits with their softmax, best first; of equal ones the first class first."""
    shifted = np.exp(logits.astype(np.float64) - logits.max())
    probabilities = shifted / shifted.sum()
    best = np.argsort(-logits, kind="stable")[:count]
    return [(int(index), float(probabilities[index])) for index in best]
