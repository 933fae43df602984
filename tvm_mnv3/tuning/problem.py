"""A workload's `Problem`: random operands, and by NumPy what a kernel must make of them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from tvm_mnv3.passes.composite import operand_dtype, operands
from tvm_mnv3.schedules.template import ACTIVATION_OPERANDS, Array
from tvm_mnv3.tuning.candidate import Candidate, template_of
from tvm_mnv3.tuning.plain import plain_weights
from tvm_mnv3.workload import Workload

#: The largest error that rounding explains, in parts of the largest value: sums of a thousand products.
_TOLERANCES = {"float32": 1e-4, "float16": 3e-2}


@dataclass(frozen=True, eq=False)
class Problem:
    """What a kernel is run on.

    Parameters
    ----------
    operands
        Activations and plain weights by role.
    expected
        The outputs by the template's reference.
    """

    workload: Workload
    operands: Mapping[str, Array]
    expected: tuple[Array, ...]

    @property
    def activations(self) -> int:
        """How many of the kernel's operands are activations; they are the first."""
        return sum(role in self.operands for role in ACTIVATION_OPERANDS)

    def arguments(self, candidate: Candidate) -> list[Array]:
        """The kernel's operands in its order: activations, weights as the candidate reads them, empty outputs."""
        activations = [self.operands[role] for role in ACTIVATION_OPERANDS if role in self.operands]
        outputs: list[Array] = [np.full(array.shape, np.nan, array.dtype) for array in self.expected]
        return [*activations, *self._weights(candidate), *outputs]

    def _weights(self, candidate: Candidate) -> Sequence[Array]:
        if candidate.space == "generated":
            return plain_weights(self.operands, self.workload)
        template = template_of(self.workload)
        return template.pack(self.operands, self.workload, template.knobs_type(**candidate.knobs))

    def complaint(self, outputs: Sequence[Array]) -> str | None:
        """What is wrong with these outputs (of any shape), as a sentence; None where they are right."""
        for output, expected in zip(outputs, self.expected, strict=True):
            bound = _TOLERANCES[self.workload.dtype] * max(1.0, float(np.abs(expected).max()))
            error = float(np.abs(output.reshape(expected.shape).astype(np.float64) - expected).max())
            if not error <= bound:
                return f"It computes wrong numbers: off by {error:.3g}, where rounding explains {bound:.3g}."
        return None


@lru_cache(maxsize=4)
def problem_of(name: str) -> Problem:
    """The problem of the workload of that name; the same one every time."""
    workload = Workload.parse(name)
    random = np.random.default_rng(zlib.crc32(name.encode()))
    values = {role: _random(workload, role, shape, random) for role, shape in operands(workload).items()}
    return Problem(workload, values, tuple(template_of(workload).reference(values, workload)))


def _random(workload: Workload, role: str, shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Around one, weights scaled so that sums stay there too; pixels from 0 to 255, which the factor brings there."""
    if operand_dtype(workload, role) == "uint8":
        return random.integers(0, 256, shape, np.uint8)
    values = random.standard_normal(shape, np.float32)
    if role.startswith("weight"):
        values /= np.float32(np.sqrt(np.prod(shape[1:])))
    if role == "factor" and workload.layout == "pixels":
        values /= np.float32(128)
    typed: np.ndarray[Any, Any] = values.astype(operand_dtype(workload, role))
    return typed
