"""`Device` and `Session`: what every place that runs bundles looks like."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from tvm_mnv3.errors import InputError
from tvm_mnv3.tensor_spec import TensorSpec

Array = NDArray[Any]
_Self = TypeVar("_Self", bound="Session")

#: As TVM_MNV3_POOL_MAX_THREADS of runtime/thread_pool.h.
MAX_THREADS = 64


class Device(Protocol):
    """Somewhere a bundle can run."""

    @property
    def name(self) -> str:
        """As `open_device` takes it: ``local``, ``emulated:cortex-a76``."""

    def open(self, bundle: Path) -> Session:
        """Make a bundle ready to run.

        Raises
        ------
        InputError
            The folder is no bundle, or one for another kind of machine.
        EnvironmentProblem
            The device cannot run it.
        """


class Session(ABC):
    """A bundle that is ready to run on a device; also a context manager that closes itself.

    Parameters
    ----------
    inputs, outputs
        The tensors of the model, in order.
    """

    def __init__(self, inputs: tuple[TensorSpec, ...], outputs: tuple[TensorSpec, ...]) -> None:
        self.inputs = inputs
        self.outputs = outputs

    def run(self, inputs: Sequence[Array], threads: int = 1) -> list[Array]:
        """Run the model once.

        Parameters
        ----------
        inputs
            One array per input, of its shape and dtype.
        threads
            How many threads work, from 1 to `MAX_THREADS`. The bits of the result do not depend on it.

        Returns
        -------
        list of array
            One per output, of its shape and dtype.

        Raises
        ------
        InputError
            An input has another shape or dtype, or there are too few or too many, or the number of threads is out of
            range.
        EnvironmentProblem
            The device failed.
        """
        return self.run_many([inputs], threads)[0]

    @abstractmethod
    def run_many(self, samples: Sequence[Sequence[Array]], threads: int = 1) -> list[list[Array]]:
        """Run the model once per sample; parameters, results and errors are those of `run`."""

    @abstractmethod
    def close(self) -> None:
        """Give everything back. A second call does nothing; nothing may be run afterwards."""

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _checked(self, inputs: Sequence[Array]) -> list[Array]:
        """The inputs as the library reads them: dense, row-major, of the right shape and dtype."""
        if len(inputs) != len(self.inputs):
            names = ", ".join(spec.name for spec in self.inputs)
            raise InputError(f"The model takes {len(self.inputs)} inputs ({names}), but {len(inputs)} were given.")
        for spec, array in zip(self.inputs, inputs, strict=True):
            if tuple(array.shape) != spec.shape or array.dtype != np.dtype(spec.dtype):
                raise InputError(
                    f"The input {spec.name} is {spec.dtype} of shape {_shape(spec.shape)}, "
                    f"but {array.dtype} of shape {_shape(array.shape)} was given."
                )
        return [np.ascontiguousarray(array).reshape(array.shape) for array in inputs]


def check_threads(threads: int) -> None:
    """Refuse a number of threads that the pool does not take."""
    if not 1 <= threads <= MAX_THREADS:
        raise InputError(f"The number of threads must be from 1 to {MAX_THREADS}, not {threads}.")


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "()"
