"""From a scheduled kernel to a C function on plain pointers.

TVM's own pipeline ends in its packed calling convention, which needs TVM's types at run time. This one takes the
same passes up to that point and then gives the function the C signature ::

    void NAME(const T0 *operand0, ..., T *output, [uint8_t *scratch,] int32_t begin, int32_t end)

where ``begin`` and ``end`` are the range of tasks to do (see `tvm_mnv3.schedules.template.TASK`). The pointers are
``noalias``. A kernel allocates nothing: small buffers live on the stack, large ones in the caller's scratch memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tvm_mnv3.compat import IRModule, PointerType, PrimType, Sequential, Target, s_tir, tirx
from tvm_mnv3.schedules.template import TASK

from . import flat_loops
from .last_term import with_rows_in_turn
from .last_tile import with_shorter_last_tile
from .program import ALIGNMENT, aligned
from .read_ahead import with_reads_ahead

#: Buffers above this size go to scratch memory: a worker thread may have as little stack as musl's 128 KB.
STACK_BYTES = 48 * 1024
#: A vector of `ALIGNMENT` bytes.
_LINE = "float32x16"


@dataclass(frozen=True)
class LoweredKernel:
    """A kernel ready for code generation.

    Parameters
    ----------
    name
        Its C symbol.
    function
        The lowered function with that signature.
    tasks
        How many tasks it has.
    scratch_bytes
        Scratch memory it needs; with more than one task it needs none.
    ahead_bytes
        How many bytes it fetches from its operand ``ahead`` on.
    """

    name: str
    function: tirx.PrimFunc
    tasks: int
    scratch_bytes: int
    ahead_bytes: int = 0


def lower(function: tirx.PrimFunc, name: str, target: Target) -> LoweredKernel:
    """Lower a scheduled S-TIR function.

    Raises
    ------
    ValueError
        The task loop has no constant extent, or scratch memory is needed inside tasks.
    """
    module = IRModule({name: function})
    module = tirx.transform.BindTarget(target.with_host(target))(module)
    module = _to_flat_loops()(module)
    reading, ahead_bytes = with_reads_ahead(module[name])
    module = _to_few_loops()(IRModule({name: with_shorter_last_tile(with_rows_in_turn(reading))}))
    lowered, tasks, scratch = _with_c_signature(module[name])
    if tasks > 1 and scratch:
        raise ValueError(f"kernel {name} needs {scratch} bytes of scratch memory inside its {tasks} tasks")
    lowered = lowered.with_attr("global_symbol", name)
    module = Sequential([tirx.transform.LowerTVMBuiltin(), tirx.transform.LowerIntrin()])(IRModule({name: lowered}))
    return LoweredKernel(name, module[name], tasks, scratch, ahead_bytes)


def _to_flat_loops() -> Sequential:
    """The CPU part of TVM's default pipeline for S-TIR (``tvm/s_tir/pipeline.py``) up to its packed convention.

    Common-subexpression elimination is left to LLVM: TVM's has produced dangling variables (mlc-llm#3454).
    """
    return Sequential(
        [
            s_tir.transform.CanonicalizeLoop(),
            s_tir.transform.LowerInitBlock(),
            s_tir.transform.PlanAndUpdateBufferAllocationLocation(),
            s_tir.transform.ConvertBlocksToOpaque(),
            s_tir.transform.CompactBufferAllocation(),
            s_tir.transform.LowerMatchBuffer(),
            s_tir.transform.StmtSimplify(),
            s_tir.transform.AnnotateIrregularLoop(),
            s_tir.transform.LowerOpaqueBlock(),
            tirx.transform.FlattenBuffer(),
        ]
    )


def _to_few_loops() -> Sequential:
    """The rest of them: what is vectorized and unrolled is no loop any more."""
    return Sequential(
        [
            # Ours: the last tile's loops use the variables of the others' a second time.
            tirx.transform.ConvertSSA(),
            tirx.transform.BF16ComputeLegalize(),
            tirx.transform.NarrowDataType(32),
            s_tir.transform.LoopPartition(),
            tirx.transform.VectorizeLoop(True),
            tirx.transform.StorageRewrite(),
            s_tir.transform.HoistIfThenElse(),
            tirx.transform.UnrollLoop(),
            s_tir.transform.RenormalizeSplitPattern(),
            tirx.transform.StmtSimplify(),
            tirx.transform.RemoveNoOp(),
            s_tir.transform.RewriteUnsafeSelect(),
        ]
    )


def _with_c_signature(function: tirx.PrimFunc) -> tuple[tirx.PrimFunc, int, int]:
    """The function on raw pointers with its task loop over ``begin .. end``; its tasks; its scratch bytes."""
    begin, end = tirx.Var("begin", "int32"), tirx.Var("end", "int32")
    scratch = tirx.Var("scratch", PointerType(PrimType("uint8"), "global"))
    pointers, statements = [], []
    for buffer in function.params:
        pointer = tirx.Var(f"{buffer.name}_pointer", PointerType(PrimType(buffer.dtype), "global"))
        pointers.append(pointer)
        statements.append(tirx.DeclBuffer(buffer, data=pointer))
    tasks, scratch_bytes = 1, 0
    for statement in flat_loops.statements(function.body):
        if isinstance(statement, tirx.AllocBuffer):
            placed, size = _place(statement, scratch, scratch_bytes)
            scratch_bytes += size
            statements += placed
            continue
        tasks = _task_count(statement) or tasks
        statements.append(_on_range(statement, begin, end))
    body: Any = tirx.SeqStmt(statements)
    # What TVM's packed convention would state of the device, which LowerTVMBuiltin asks for: CPU 0.
    for key, value in (("device_id", 0), ("device_type", 1)):
        body = tirx.AttrStmt(tirx.IntImm("int32", 0), key, tirx.IntImm("int32", value), body)
    parameters = [*pointers, *([scratch] if scratch_bytes else []), begin, end]
    return tirx.PrimFunc(parameters, body, function.ret_type, function.attrs), tasks, scratch_bytes


def _task_count(statement: tirx.Stmt) -> int:
    """The extent of its task loop, which may lie inside loops over parts of each task; 0 if it has none."""
    if isinstance(statement, tirx.For):
        return int(statement.extent) if TASK in statement.annotations else _task_count(statement.body)
    parts = statement.seq if isinstance(statement, tirx.SeqStmt) else []
    return max((_task_count(each) for each in parts), default=0)


def _on_range(statement: tirx.Stmt, begin: tirx.Var, end: tirx.Var) -> tirx.Stmt:
    """The statement with its task loop (each copy of it, where a loop around it is in parts) over that range."""
    if isinstance(statement, tirx.SeqStmt):
        return tirx.SeqStmt([_on_range(each, begin, end) for each in statement.seq])
    if not isinstance(statement, tirx.For):
        return statement
    if TASK not in statement.annotations:
        return flat_loops.anew(statement, _on_range(statement.body, begin, end))
    index = statement.loop_var
    first, count = (tirx.Cast(str(index.ty), bound) for bound in (begin, end - begin))
    return tirx.For(index, first, count, statement.kind, statement.body)


def _place(alloc: tirx.AllocBuffer, scratch: tirx.Var, offset: int) -> tuple[list[tirx.Stmt], int]:
    """The buffer on the stack, or at that offset of the scratch memory; and the scratch bytes it takes."""
    buffer = alloc.buffer
    size = int(np.prod([int(extent) for extent in buffer.shape])) * _bytes_of(str(buffer.dtype))
    if size > STACK_BYTES:
        return [tirx.DeclBuffer(buffer, data=tirx.handle_add_byte_offset(scratch, offset))], aligned(size)
    # The annotation is TVM's own (tirx/transform.h): without it the buffer would become a call for workspace.
    on_stack = {"disable_lower_builtin": tirx.IntImm("bool", 1)}
    if size < ALIGNMENT or "x" in str(buffer.dtype):
        return [tirx.AllocBuffer(buffer, on_stack)], 0
    # TVM aligns an element to at most 16 bytes, and a vector as wide as a cache line to the line: of unaligned rows
    # that are stored by such vectors every store meets two lines (672 to 112 channels, scaled: 4 % of the time).
    lines = tirx.decl_buffer((aligned(size) // ALIGNMENT,), _LINE, f"{buffer.name}_lines", scope="local")
    return [tirx.AllocBuffer(lines, on_stack), tirx.DeclBuffer(buffer, data=lines.data)], 0


def _bytes_of(dtype: str) -> int:
    """Bytes of an element such as ``float32`` or ``float32x16``."""
    scalar, _, lanes = dtype.partition("x")
    return np.dtype(scalar).itemsize * int(lanes or 1)
