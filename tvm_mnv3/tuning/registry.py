"""Tuning devices by name."""

from __future__ import annotations

from tvm_mnv3.errors import InputError
from tvm_mnv3.targets import Core
from tvm_mnv3.tuning.device import TuningDevice
from tvm_mnv3.tuning.local_device import LocalDevice
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
    if name == "local":
        if core.name != "host":
            raise InputError(f"--device local runs kernels of this machine, not of {core.name}; add --target host.")
        return LocalDevice(core)
    if core.isa != "aarch64":
        raise InputError(f"--device {name} is for ARM kernels; tune for this machine with --device local.")
    if kind == "model" and rest:
        return ModelDevice(rest)
    if kind in ("rpc", "adb", "emulated"):
        from tvm_mnv3.tuning.remote_device import RemoteDevices

        return RemoteDevices(name, core.name)
    raise InputError(f"--device {name!r} is not one of model:CORE, local, rpc://HOST:PORT/KEY, adb, emulated:CORE.")
