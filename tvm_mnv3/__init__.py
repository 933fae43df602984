"""tvm-mnv3: compiles MobileNetV3 into a small freestanding shared library for ARM phones.

>>> from tvm_mnv3 import CompileOptions, compile_model, load
>>> bundle = compile_model(CompileOptions("mobilenet_v3_small", target="host", weights="random"))
>>> logits = load(bundle.path).run(picture)[0]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tvm_mnv3.codegen.bundle import Bundle, Manifest, open_bundle
    from tvm_mnv3.compile import compile_model
    from tvm_mnv3.errors import EnvironmentProblem, GateError, InputError, Mnv3Error
    from tvm_mnv3.options import CompileOptions
    from tvm_mnv3.run import LoadedModel, load

__version__ = "0.1.0"

_HOMES = {
    "Bundle": "tvm_mnv3.codegen.bundle",
    "CompileOptions": "tvm_mnv3.options",
    "EnvironmentProblem": "tvm_mnv3.errors",
    "GateError": "tvm_mnv3.errors",
    "InputError": "tvm_mnv3.errors",
    "LoadedModel": "tvm_mnv3.run",
    "Manifest": "tvm_mnv3.codegen.bundle",
    "Mnv3Error": "tvm_mnv3.errors",
    "compile_model": "tvm_mnv3.compile",
    "load": "tvm_mnv3.run",
    "open_bundle": "tvm_mnv3.codegen.bundle",
}

__all__ = [
    "Bundle",
    "CompileOptions",
    "EnvironmentProblem",
    "GateError",
    "InputError",
    "LoadedModel",
    "Manifest",
    "Mnv3Error",
    "__version__",
    "compile_model",
    "load",
    "open_bundle",
]


def __getattr__(name: str) -> Any:
    """The public names, imported when they are first used: TVM and PyTorch take seconds."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
