"""``run``: a bundle on a device, from arrays or from a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from tvm_mnv3.codegen.bundle import Bundle, open_bundle, verify_files
from tvm_mnv3.devices import Session, open_device
from tvm_mnv3.errors import InputError
from tvm_mnv3.frontend.imported import Preprocessing
from tvm_mnv3.picture import pixels_of, preprocess, read_picture, top_classes


@dataclass(frozen=True)
class Answer:
    """One class of a picture: its index, its label (if the bundle has labels) and its probability by softmax."""

    index: int
    label: str | None
    probability: float


class LoadedModel:
    """A bundle that is open on a device; close it, or use it as a context manager."""

    def __init__(self, bundle: Bundle, session: Session) -> None:
        self.bundle = bundle
        self._session = session

    def run(self, *inputs: npt.NDArray[Any], threads: int = 1) -> list[npt.NDArray[Any]]:
        """Run the network once: one array per input in, one per output out, of the manifest's shapes and dtypes.

        Raises
        ------
        InputError
            The number, shape or dtype of the inputs is not the network's.
        """
        return self._session.run(list(inputs), threads=threads)

    def run_many(
        self, samples: Sequence[Sequence[npt.NDArray[Any]]], *, threads: int = 1
    ) -> list[list[npt.NDArray[Any]]]:
        """Run the network once per sample, as `run`; on an emulated core much faster than as many runs."""
        return self._session.run_many(samples, threads=threads)

    def classify(self, image: Path, *, top: int = 5, threads: int = 1) -> list[Answer]:
        """The best classes of a picture, best first.

        Raises
        ------
        InputError
            The picture cannot be read, or the bundle does not say how a picture becomes its input, or is no classifier.
        """
        manifest = self.bundle.manifest
        if manifest.preprocessing is None:
            raise InputError(
                f"{self.bundle.path} does not say how a picture becomes its input; compile it with "
                "--normalize imagenet, unit or symmetric, as it was trained."
            )
        if len(manifest.inputs) != 1 or len(manifest.outputs) != 1 or len(manifest.outputs[0].shape) != 2:
            raise InputError(f"{self.bundle.path} is no classifier of pictures: it has other inputs or outputs.")
        how = Preprocessing(**dict(manifest.preprocessing))
        spec = manifest.inputs[0]
        one = (pixels_of if spec.dtype == "uint8" else preprocess)(read_picture(image), how)
        batch = np.broadcast_to(one, spec.shape).astype(spec.dtype)
        (logits,) = self.run(batch, threads=threads)
        labels = manifest.labels
        return [
            Answer(index, labels[index] if labels else None, probability)
            for index, probability in top_classes(logits[0], top)
        ]

    def close(self) -> None:
        """Unload the library."""
        self._session.close()

    def __enter__(self) -> LoadedModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def load(path: Path | str, *, device: str | None = None) -> LoadedModel:
    """Open a bundle on a device.

    Parameters
    ----------
    path
        The bundle's folder.
    device
        As of `open_device`: ``local``, ``emulated:cortex-a76``, ``rpc://HOST:PORT/KEY``; by default this machine for a
        bundle compiled for it, and the emulated core for one compiled for ARM.

    Raises
    ------
    InputError
        The folder is no bundle, its files have changed, or it was compiled for another machine.
    EnvironmentProblem
        The device or the emulator is missing.
    """
    bundle = open_bundle(path)
    verify_files(bundle)
    return LoadedModel(bundle, open_device(device or default_device(bundle)).open(bundle.path))


def default_device(bundle: Bundle) -> str:
    """Where a bundle runs if nothing is said."""
    target = bundle.manifest.target
    if target["kind"] == "host":
        return "local"
    core = target["core"]
    return f"emulated:{'cortex-a76' if core == 'armv8-a' else core}"
