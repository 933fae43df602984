"""A library of small kernels for the device agent: freestanding, as this project's own are."""

from __future__ import annotations

from pathlib import Path

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.toolchain import compile_c, link_shared

SOURCE = Path(__file__).resolve().parents[1] / "runtime" / "agent" / "kernels.c"
NAMES = ("main", "calls", "crash", "hang", "sleep_ms")


def build_kernels(folder: Path, triple: str = "aarch64-linux-musl") -> Path:
    """``kernels.so`` with all of `NAMES`."""
    objects = compile_c([SOURCE, *runtime.LIBRARY_SOURCES], triple=triple, out=folder, include=[runtime.FOLDER])
    exports = [f"__tvm_ffi_{name}" for name in NAMES]
    return link_shared(objects, triple=triple, out=folder / "kernels.so", exports=exports, soname="kernels.so")
