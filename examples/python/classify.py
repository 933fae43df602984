"""A picture in, its five best classes out, by a wheel of `tvm-mnv3 package BUNDLE --for python -o DIR`.

    pip install DIR/mobilenet_v3_small-*.whl pillow
    python classify.py mobilenet_v3_small tench.jpg

The wheel needs NumPy alone; Pillow reads the file here. A ``.npy`` file of pixels (uint8, height x width x 3) does
without.
"""

from __future__ import annotations

import sys
from importlib import import_module

import numpy as np


def read_pixels(path: str) -> np.ndarray:
    """uint8, height x width x 3, RGB."""
    if path.endswith(".npy"):
        return np.load(path)
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB"))


def main(model: str, *paths: str) -> None:
    """Print the five best classes of every picture."""
    with import_module(model).Classifier() as classifier:
        for path in paths:
            for result in classifier.classify(read_pixels(path), top=5):
                print(f"{result.score:7.2%}  {result.index:4d}  {result.label}")


if __name__ == "__main__":
    main(*sys.argv[1:])
