"""The companion classifier on models that are made up here, so that its own work is all that is seen."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import doubler
import numpy as np

from tvm_mnv3 import runtime
from tvm_mnv3.cache import cache_folder
from tvm_mnv3.codegen.library import build_shared_classifier
from tvm_mnv3.frontend.imported import Preprocessing
from tvm_mnv3.packages.wheel_files import bindings

UNIT = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
_RUN = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 4)


@functools.cache
def classifier_library() -> ctypes.CDLL:
    """The companion for this machine, built from the sources as they are."""
    digest = hashlib.sha256()
    for file in (*runtime.CLASSIFIER_SOURCES, *runtime.CLASSIFIER_HEADERS):
        digest.update(file.read_bytes())
    out = cache_folder() / "tests" / digest.hexdigest()[:16] / "libtvm_mnv3_classifier.so"
    if not out.is_file():
        with tempfile.TemporaryDirectory() as folder:
            build_shared_classifier(doubler.HOST, Path(folder), out)
    return bindings.open_classifier_library(out)


@dataclass
class MadeUpModel:
    """A model whose run function is Python: it answers with `logits`, whatever the picture.

    Parameters
    ----------
    how
        How a picture becomes the input.
    logits
        One per class.
    dtype, channels_last
        Of the input, (1, 3, crop, crop) or (1, crop, crop, 3).
    status
        What a run returns.
    """

    how: Preprocessing
    logits: Sequence[float] = (0.0, 1.0, 2.0)
    dtype: str = "float32"
    channels_last: bool = False
    status: int = 0

    def __post_init__(self) -> None:
        crop = self.how.crop
        self.shape = (1, crop, crop, 3) if self.channels_last else (1, 3, crop, crop)
        size = int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize
        self._shapes = (ctypes.c_int64 * 4)(*self.shape), (ctypes.c_int64 * 2)(1, len(self.logits))
        self.input = bindings.Tensor(b"x", bindings.DTYPES[self.dtype], 4, self._shapes[0], size)
        self.output = bindings.Tensor(b"y", bindings.DTYPES["float32"], 2, self._shapes[1], 4 * len(self.logits))
        self.picture = bindings.Picture(
            self.how.resize,
            self.how.crop,
            bindings.INTERPOLATIONS[self.how.interpolation],
            (ctypes.c_float * 3)(*self.how.mean),
            (ctypes.c_float * 3)(*self.how.std),
        )
        self._run = _RUN(self._answer)
        self.description = bindings.ModelDescription(
            bindings.ABI_VERSION, 1, 1, b"made_up", b"by hand", ctypes.pointer(self.input), ctypes.pointer(self.output),
            64, ctypes.cast(self._run, ctypes.c_void_p), ctypes.pointer(self.picture),
        )  # fmt: skip

    @property
    def address(self) -> int:
        """Of the description, as `PixelClassifier` takes it."""
        return ctypes.addressof(self.description)

    def _answer(self, context: int, inputs: int, outputs: int, parallel: int) -> int:
        out = ctypes.cast(outputs, ctypes.POINTER(ctypes.POINTER(ctypes.c_float)))[0]
        for i, logit in enumerate(self.logits):
            out[i] = logit
        return self.status
