"""The two programs in C that count: a plugin for this machine's emulator, and the ARM program that runs in it."""

from __future__ import annotations

import platform
from pathlib import Path

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.toolchain import compile_c, link_executable, link_shared
from tvm_mnv3.devices.helpers import built_once

_NATIVE = Path(__file__).resolve().parent / "native"
_PLUGIN = _NATIVE / "counter.c"
_PLUGIN_API = _NATIVE / "qemu_plugin_api.h"
_MARKED_RUN = _NATIVE / "marked_run.c"


def counter_plugin() -> Path:
    """``native/counter.c`` for the emulator, which brings libc and the plugin interface."""

    def build(folder: Path, out: Path) -> None:
        objects = compile_c([_PLUGIN], triple=triple, out=folder, freestanding=False, extra=("-std=gnu99",))
        exports = ("qemu_plugin_version", "qemu_plugin_install")
        link_shared(objects, triple=triple, out=out, exports=exports, soname=out.name, allow_undefined=True)

    triple = f"{platform.machine()}-linux-gnu.2.28"
    return built_once("counter.so", triple, (_PLUGIN, _PLUGIN_API, Path(__file__)), build)


def marked_run_program(triple: str) -> Path:
    """``native/marked_run.c`` for ARM under the libc of `triple`."""

    def build(folder: Path, out: Path) -> None:
        objects = compile_c([_MARKED_RUN], triple=triple, out=folder, include=[runtime.FOLDER], freestanding=False)
        link_executable(objects, triple=triple, out=out, libraries=("dl",))

    return built_once("marked_run", triple, (_MARKED_RUN, Path(__file__)), build)
