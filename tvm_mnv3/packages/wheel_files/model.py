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
def _function(name: str) -> Any:
    """The library's function PREFIX_name. The library is loaded once; its weights are shared by all who use it.

    Raises
    ------
    OSError
        The library is missing, cut off or for another machine.
    """
    file = FOLDER / manifest()["library"]
    size = manifest()["sizes"]["library"]
    if file.stat().st_size != size:
        # Loading a file that is cut off ends the process.
        raise OSError(f"{file} has {file.stat().st_size} bytes, not {size}: install the package again")
    return ctypes.CDLL(str(file))[f"{manifest()['prefix']}_{name}"]


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
        describe = _function("model")
        describe.restype = ctypes.c_void_p
        super().__init__(
            bindings.open_classifier_library(FOLDER / "libtvm_mnv3_classifier.so"),
            describe(),
            threads=threads,
            cores=cores,
            labels=text,
            max_short_side=max_short_side,
        )


class Model:
    """Tensors in, tensors out, on the calling thread. One call at a time may use it."""

    def __init__(self) -> None:
        size = _function("context_size")
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
        run = _function("run")
        run.argtypes = [ctypes.c_void_p] * 4
        status = run(self._context.ctypes.data, _pointers(given), _pointers(results), None)
        if status != 0:
            raise ClassifierError(status, f"the model answered with status {status} of tvm_mnv3.h")
        return results


def _pointers(arrays: list[NDArray[Any]]) -> ctypes.Array[ctypes.c_void_p]:
    return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
