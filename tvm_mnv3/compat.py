"""Every import of TVM that a release may move.

The rest of the project imports TVM's names from here, so that a new TVM is met in one file. Names of 0.27:
``tvm.tir`` became ``tvm.tirx``; schedules and MetaSchedule live under ``tvm.s_tir``.
"""

from __future__ import annotations

import tvm
from tvm import IRModule, relax, rpc, s_tir, te, tirx
from tvm.ir import Call, Expr, GenericConst, GlobalVar, Op, PointerType, PrimType
from tvm.ir.transform import PassContext, Sequential, module_pass
from tvm.relax import dpl
from tvm.relax.expr_functor import PyExprMutator, PyExprVisitor, mutator, visitor
from tvm.rpc import tracker as rpc_tracker
from tvm.s_tir import Schedule
from tvm.s_tir.schedule import ScheduleError
from tvm.script import relax as R
from tvm.script import tirx as T
from tvm.target import Target

__all__ = [
    "Call",
    "Expr",
    "GenericConst",
    "GlobalVar",
    "IRModule",
    "Op",
    "PassContext",
    "PointerType",
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
    "module_pass",
    "mutator",
    "relax",
    "rpc",
    "rpc_tracker",
    "s_tir",
    "te",
    "tirx",
    "tvm",
    "visitor",
]
