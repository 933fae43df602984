"""`Estimate`: what is known of a bundle's speed on a core without that core, each number under its own name."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tvm_mnv3.errors import InputError
from tvm_mnv3.estimate.caches import Cache
from tvm_mnv3.estimate.core_models import CoreModel


@dataclass(frozen=True)
class Figures:
    """What some code did in one inference.

    Parameters
    ----------
    instructions
        Executed; exact.
    vector_multiply_adds
        Of them, floating-point multiply-adds of whole vectors (``fmla``, ``fmls``); exact.
    loads, stores
        Of them, those that read and write memory; exact.
    cycles
        Modelled, with perfect caches, by the name of the core's model.
    misses
        Simulated, in lines of 64 bytes, for each level of cache.
    """

    instructions: int
    vector_multiply_adds: int
    loads: int
    stores: int
    cycles: Mapping[str, float]
    misses: tuple[int, ...]


@dataclass(frozen=True)
class KernelEstimate:
    """A kernel's share of an inference, all its uses together.

    Parameters
    ----------
    symbol, workload, uses
        As in the bundle's manifest.
    multiply_adds
        Of all uses, in numbers (not vectors), as the workload needs them.
    floor
        The cycles that these multiply-adds alone take in full vectors, by the name of the core's model. They include
        those with padding, which a kernel may skip, so that one on a tiny picture can be below its floor.
    """

    symbol: str
    workload: str | None
    uses: int
    multiply_adds: int
    floor: Mapping[str, float]
    figures: Figures


@dataclass(frozen=True)
class Estimate:
    """A bundle's estimate for one inference on one thread.

    Parameters
    ----------
    name, precision, compiled_for
        The model, and what the bundle was compiled with and for, as in its manifest.
    core
        The core that it is estimated for.
    models
        The core models that cycles are given of. The first is the one to sort by.
    caches
        The simulated caches.
    tools
        Versions of the programs that counted and modelled.
    total
        The whole library.
    floor
        As of a kernel.
    kernels
        Every kernel, in the order of its first use.
    rest
        What is no kernel: the driver, and the library's own memcpy and exp.
    """

    name: str
    precision: str
    compiled_for: str
    core: str
    models: tuple[CoreModel, ...]
    caches: tuple[Cache, ...]
    tools: Mapping[str, str]
    total: Figures
    floor: Mapping[str, float]
    kernels: tuple[KernelEstimate, ...]
    rest: Figures

    def to_json(self) -> str:
        """As text; the same estimate gives the same bytes."""
        return json.dumps(dataclasses.asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Estimate:
        """The estimate of such a text.

        Raises
        ------
        InputError
            It is none.
        """
        try:
            data = json.loads(text)
            data["models"] = tuple(CoreModel(**model) for model in data["models"])
            data["caches"] = tuple(Cache(**cache) for cache in data["caches"])
            data["total"], data["rest"] = _figures(data["total"]), _figures(data["rest"])
            data["kernels"] = tuple(
                KernelEstimate(**{**kernel, "figures": _figures(kernel["figures"])}) for kernel in data["kernels"]
            )
            return cls(**data)
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"This is no estimate that this tvm-mnv3 wrote ({error}); estimate again.") from error


def _figures(data: dict[str, Any]) -> Figures:
    return Figures(**{**data, "misses": tuple(data["misses"])})
