"""The model of this package: `Classifier` for pictures, `Model` for tensors."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import bindings
from .classifier import ClassifierError, PixelClassifier

FOLDER = Path(__file__).resolve().parent


@cache
def manifest() -> dict[str, Any]:
    """What the package says of its model: ``inputs``, ``outputs``, ``preprocessing``, ``versions``, ``sizes``, ..."""
    content: dict[str, Any] = json.loads((FOLDER / "model.json").read_text(encoding="utf-8"))
    return content


@cache
def _library() -> ctypes.CDLL:
    """The model's library, loaded once; its weights are shared by all who use it."""
    library = ctypes.CDLL(str(FOLDER / manifest()["library"]))
    prefix = manifest()["prefix"]
    describe, run = library[f"{prefix}_model"], library[f"{prefix}_run"]
    describe.restype = ctypes.POINTER(bindings.ModelDescription)
    run.argtypes = [ctypes.c_void_p] * 4
    return library


class Classifier(PixelClassifier):
    """Pixels in, labels out; parameters and errors are those of `PixelClassifier`.

    Parameters
    ----------
    labels
        In place of the package's own: one per class.
    """

    def __init__(
        self, *, threads: int = 0, cores: str = "big", labels: Sequence[str] | None = None, max_short_side: int = 0
    ) -> None:
        file = FOLDER / "labels.txt"
        text = file.read_bytes() if file.is_file() else None
        if labels is not None:
            text = "".join(f"{label}\n" for label in labels).encode()
        describe = _library()[f"{manifest()['prefix']}_model"]
        super().__init__(
            bindings.open_classifier_library(FOLDER / "libtvm_mnv3_classifier.so"),
            ctypes.addressof(describe().contents),
            threads=threads,
            cores=cores,
            labels=text,
            max_short_side=max_short_side,
        )


class Model:
    """Tensors in, tensors out, on the calling thread. One call at a time may use it."""

    def __init__(self) -> None:
        size = _library()[f"{manifest()['prefix']}_context_size"]
        size.restype = ctypes.c_size_t
        memory = np.empty(size() + bindings.ALIGNMENT, np.uint8)
        self._context = memory[-memory.ctypes.data % bindings.ALIGNMENT :]

    def run(self, *inputs: NDArray[Any]) -> list[NDArray[Any]]:
        """One array per input in, one per output out, of the manifest's shapes and dtypes.

        Raises
        ------
        TypeError
            The number, shape or dtype of the inputs is not the model's.
        ClassifierError
            The model failed.
        """
        wanted = manifest()["inputs"]
        if len(inputs) != len(wanted):
            raise TypeError(f"the model takes {len(wanted)} inputs, not {len(inputs)}")
        for array, spec in zip(inputs, wanted):  # noqa: B905 - checked above
            if list(array.shape) != spec["shape"] or str(array.dtype) != spec["dtype"]:
                raise TypeError(f"{spec['name']} is {spec['dtype']} {spec['shape']}, not {array.dtype} {array.shape}")
        given = [np.ascontiguousarray(array) for array in inputs]
        results: list[NDArray[Any]] = [np.empty(spec["shape"], spec["dtype"]) for spec in manifest()["outputs"]]
        run = _library()[f"{manifest()['prefix']}_run"]
        status = run(self._context.ctypes.data, _pointers(given), _pointers(results), None)
        if status != 0:
            raise ClassifierError(status, f"the model answered with status {status} of tvm_mnv3.h")
        return results


def _pointers(arrays: list[NDArray[Any]]) -> ctypes.Array[ctypes.c_void_p]:
    return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
