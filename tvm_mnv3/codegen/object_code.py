"""Object code of lowered kernels, by TVM's LLVM."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tvm_mnv3.compat import IRModule, Target, tvm
from tvm_mnv3.targets import Core

from .lowering import LoweredKernel


def llvm_target(core: Core, triple: str) -> Target:
    """TVM's description of that core under that target triple."""
    attributes = list(core.llvm_attributes)
    if core.isa == "aarch64":
        # Android keeps its shadow call stack in x18, and one library serves Android and Linux.
        attributes.append("+reserve-x18")
    description = {"kind": "llvm", "mtriple": triple, "mcpu": core.llvm_cpu, "num-cores": 1, "opt-level": 3}
    if attributes:
        description["mattr"] = attributes
    return Target(description)


def write_object(kernels: Sequence[LoweredKernel], target: Target, out: Path) -> None:
    """Compile the kernels into one object file."""
    module = IRModule({kernel.name: kernel.function for kernel in kernels})
    tvm.get_global_func("target.build.llvm")(module, target).write_to_file(str(out), "o")
