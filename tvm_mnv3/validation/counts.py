"""What an emulated core has in the place of a latency: instructions, modelled cycles, simulated cache misses."""

from __future__ import annotations

from tvm_mnv3.codegen.bundle import Bundle
from tvm_mnv3.errors import EnvironmentProblem, InputError
from tvm_mnv3.estimate import estimate
from tvm_mnv3.estimate.result import Estimate


def count(bundle: Bundle, device: str) -> tuple[Estimate | None, str | None]:
    """The counts of one inference on an emulated core, or why there are none: the tools for it may be missing."""
    try:
        return estimate(bundle, device.removeprefix("emulated:")), None
    except (EnvironmentProblem, InputError) as problem:
        return None, f"Instructions were not counted. {problem}"
