"""Tuning devices by name."""

from __future__ import annotations

from tvm_mnv3.errors import InputError
from tvm_mnv3.targets import Core
from tvm_mnv3.tuning.device import TuningDevice
from tvm_mnv3.tuning.model_device import ModelDevice


def open_tuning_device(name: str, core: Core) -> TuningDevice:
    """The device of that name, for kernels of that core.

    Raises
    ------
    InputError
        There is none of that name, or it does not run such kernels.
    EnvironmentProblem
        It cannot be reached, or a tool is missing.
    """
    kind, _, rest = name.partition(":")
    if kind == "model" and rest:
        if core.isa != "aarch64":
            raise InputError(f"--device {name} models ARM cores; tune for this machine with --device local.")
        return ModelDevice(rest)
    raise InputError(f"--device {name!r} is not one of model:CORE.")
