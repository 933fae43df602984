"""Every import of TVM that a release may move.

The rest of the project imports TVM's names from here, so that a new TVM is met in one file. Names of 0.27:
``tvm.tir`` became ``tvm.tirx``; schedules and MetaSchedule live under ``tvm.s_tir``.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tvm
from tvm import IRModule, relax, rpc, s_tir, te, tirx
from tvm.ir import Call, Expr, GenericConst, GlobalVar, Op, PointerType, PrimType
from tvm.ir.transform import PassContext, Sequential, module_pass
from tvm.relax import dpl
from tvm.relax.expr_functor import PyExprMutator, PyExprVisitor, mutator, visitor
from tvm.rpc import tracker as rpc_tracker
from tvm.s_tir import Schedule, meta_schedule
from tvm.s_tir.schedule import ScheduleError
from tvm.script import relax as R
from tvm.script import tirx as T
from tvm.support.popen_pool import PopenPoolExecutor
from tvm.target import Target
from tvm.tirx.script.parser import entry as script_entry


@contextmanager
def without_source_lookup() -> Iterator[None]:
    """Parse TVMScript functions, not classes, several times as fast.

    For every function TVM's parser asks Python for the source text of all callers (``inspect.stack``), which it reads
    only to see whether the function stands in a class.
    """

    def stack() -> list[types.SimpleNamespace]:
        frame, frames = sys._getframe(1), []
        while frame is not None:
            frames.append(types.SimpleNamespace(frame=frame, code_context=None))
            frame = frame.f_back  # type: ignore[assignment]
        return frames

    before = script_entry.inspect
    script_entry.inspect = types.SimpleNamespace(stack=stack, isfunction=before.isfunction)
    try:
        yield
    finally:
        script_entry.inspect = before


def register_op(name: str, description: str, **attributes: object) -> None:
    """Add an operator to TVM's registry; an operator of that name gets the attributes."""
    tvm.get_global_func("ir.RegisterOp")(name, description)
    for key, value in attributes.items():
        tvm.ir.register_op_attr(name, key, value)


_INTRINSICS = "tvm.s_tir.tensor_intrin"


def import_cpu_intrinsics() -> None:
    """Import the tensor intrinsics of CPUs, which MetaSchedule looks for, without those of GPUs.

    ``tvm.s_tir.tensor_intrin``, which every tuning context imports, parses 248 of them in 20 s.
    """
    if _INTRINSICS in sys.modules:
        return
    package = types.ModuleType(_INTRINSICS)
    package.__path__ = [str(Path(s_tir.__file__).parent / "tensor_intrin")]
    sys.modules[_INTRINSICS] = package
    with without_source_lookup():
        for name in ("arm_cpu", "x86"):
            importlib.import_module(f"{_INTRINSICS}.{name}")


__all__ = [
    "Call",
    "Expr",
    "GenericConst",
    "GlobalVar",
    "IRModule",
    "Op",
    "PassContext",
    "PointerType",
    "PopenPoolExecutor",
    "PrimType",
    "PyExprMutator",
    "PyExprVisitor",
    "R",
    "Schedule",
    "ScheduleError",
    "Sequential",
    "T",
    "Target",
    "dpl",
    "import_cpu_intrinsics",
    "meta_schedule",
    "module_pass",
    "mutator",
    "register_op",
    "relax",
    "rpc",
    "rpc_tracker",
    "s_tir",
    "te",
    "tirx",
    "tvm",
    "visitor",
    "without_source_lookup",
]
