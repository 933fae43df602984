"""`PixelClassifier`: classifier.h with NumPy arrays."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import bindings

Pixels = NDArray[np.uint8]


class ClassifierError(Exception):
    """The library refused; the message is its sentence.

    Attributes
    ----------
    status
        The code of tvm_mnv3.h and classifier.h.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Result:
    """One class of a picture: its index, its probability by softmax, and its label if there are labels."""

    index: int
    score: float
    label: str | None


class PixelClassifier:
    """A classifier of one model; one call at a time may use it. Also a context manager that closes itself.

    Parameters
    ----------
    library
        As of `bindings.open_classifier_library`.
    model
        The address of the model's description.
    threads
        0: one for each of the chosen cores, but 4 at most.
    cores
        ``big`` (all but the slowest kind), ``little`` or ``all``.
    labels
        One label a line, or None.
    max_short_side
        Of the pictures to come; 0: 8192.

    Raises
    ------
    ClassifierError
        The model or an option is not usable.
    """

    def __init__(
        self,
        library: ctypes.CDLL,
        model: int | None,
        *,
        threads: int = 0,
        cores: str = "big",
        labels: bytes | None = None,
        max_short_side: int = 0,
    ) -> None:
        self._library = library
        self._classifier = ctypes.c_void_p()
        options = bindings.Options(
            struct_size=ctypes.sizeof(bindings.Options),
            threads=threads,
            cores=bindings.CORES.get(cores, -1),
            max_short_side=max_short_side,
            labels=labels,
            labels_size=len(labels) if labels is not None else 0,
        )
        self._check(library.tvm_mnv3_classifier_create(model, ctypes.byref(options), ctypes.byref(self._classifier)))

    def classify(self, pixels: Pixels, *, top: int = 5, format: str | None = None) -> list[Result]:
        """The best classes of a picture, best first.

        Parameters
        ----------
        pixels
            uint8 of shape (height, width, 3) or (height, width, 4); of NV21 (height * 3 / 2, width).
        format
            ``RGB``, ``BGR``, ``RGBA``, ``BGRA`` or ``NV21``; by default RGB, or RGBA where there are 4 channels.

        Raises
        ------
        ClassifierError
            The picture or `top` is not usable.
        """
        picture, kept = _describe(pixels, format)
        results = (bindings.BestClass * max(top, 1))()
        self._check(self._library.tvm_mnv3_classify(self._open(), ctypes.byref(picture), results, top))
        del kept
        return [
            Result(best.index, best.score, best.label.decode() if best.label is not None else None)
            for best in results
            if best.index >= 0
        ]

    def prepare(self, pixels: Pixels, out: NDArray[Any], *, format: str | None = None) -> NDArray[Any]:
        """The model's input made from a picture, written to `out`, which is returned."""
        picture, kept = _describe(pixels, format)
        self._check(self._library.tvm_mnv3_prepare(self._open(), ctypes.byref(picture), out.ctypes.data, out.nbytes))
        del kept
        return out

    @property
    def chosen(self) -> dict[str, int]:
        """``threads``, ``cpus`` (a bit each), ``memory`` in bytes, and the rest of ``tvm_mnv3_chosen``."""
        chosen = bindings.Chosen(struct_size=ctypes.sizeof(bindings.Chosen))
        self._check(self._library.tvm_mnv3_classifier_chosen(self._open(), ctypes.byref(chosen)))
        return {name: getattr(chosen, name) for name, _ in bindings.Chosen._fields_ if name != "struct_size"}

    def close(self) -> None:
        """End the threads and give the memory back. A second call does nothing."""
        self._library.tvm_mnv3_classifier_destroy(self._classifier)
        self._classifier = ctypes.c_void_p()

    def __enter__(self) -> PixelClassifier:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> ctypes.c_void_p:
        if not self._classifier:
            raise ValueError("the classifier is closed")
        return self._classifier

    def _check(self, status: int) -> None:
        if status != 0:
            raise ClassifierError(status, self._library.tvm_mnv3_status_text(status).decode())


def _describe(pixels: Pixels, format: str | None) -> tuple[bindings.Pixels, Pixels]:
    """The struct of a picture, and the array that it points into."""
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
        raise TypeError(f"pixels are uint8 of shape (height, width, channels), not {pixels.dtype} {pixels.shape}")
    name = format or ("RGBA" if pixels.ndim == 3 and pixels.shape[2] == 4 else "RGB")
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if name in bindings.FORMATS and channels != {"NV21": 1, "RGBA": 4, "BGRA": 4}.get(name, 3):
        raise TypeError(f"{name} pixels do not have the shape {pixels.shape}")
    kept = np.ascontiguousarray(pixels)
    height = pixels.shape[0] * 2 // 3 if name == "NV21" else pixels.shape[0]
    described = bindings.Pixels(
        struct_size=ctypes.sizeof(bindings.Pixels),
        format=bindings.FORMATS.get(name, -1),
        width=pixels.shape[1],
        height=height,
        data=kept.ctypes.data,
        size=kept.nbytes,
    )
    return described, kept
