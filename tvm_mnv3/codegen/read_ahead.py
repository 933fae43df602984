"""Loops that fetch what later kernels want while they compute (see `tvm_mnv3.schedules.read_ahead`).

A fetch never faults, so that the end of the weights needs no care.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from tvm_mnv3.compat import Expr, tirx
from tvm_mnv3.schedules.read_ahead import LINE, READ_AHEAD, fetch

from .flat_loops import anew


def with_reads_ahead(function: tirx.PrimFunc) -> tuple[tirx.PrimFunc, int]:
    """The function, in flat loops, with fetches in the loop that is annotated with `READ_AHEAD`; and how many bytes
    these bring, from the operand ``ahead`` on."""
    starts = [buffer for buffer in function.params if buffer.name == "ahead"]
    if not starts:
        return function, 0
    writer = _Writer(starts[0])
    body = writer.rewritten(function.body, ())
    return tirx.PrimFunc(function.params, body, function.ret_type, function.attrs), writer.bytes


@dataclass
class _Writer:
    start: tirx.Buffer
    bytes: int = 0

    def rewritten(self, statement: tirx.Stmt, outer: tuple[tirx.For, ...]) -> tirx.Stmt:
        """The statement inside the loops `outer`."""
        if isinstance(statement, tirx.SeqStmt):
            return tirx.SeqStmt([self.rewritten(each, outer) for each in statement.seq])
        if not isinstance(statement, tirx.For):
            return statement
        loops = (*outer, statement)
        body = self.rewritten(statement.body, loops)
        lines = int(statement.annotations.get(READ_AHEAD, 0))
        if lines:
            self.bytes += prod(int(loop.extent) for loop in loops) * lines * LINE
            first = _turn(loops) * lines
            body = tirx.SeqStmt([*self._fetches(first, lines), body])
        return anew(statement, body, without=[READ_AHEAD])

    def _fetches(self, first: Expr, lines: int) -> list[tirx.Stmt]:
        return [tirx.Evaluate(fetch(self.start.data, (first + number) * LINE)) for number in range(lines)]


def _turn(loops: tuple[tirx.For, ...]) -> Expr:
    """The number of the innermost loop's turn, counted over all of them."""
    number = tirx.IntImm("int32", 0)
    for loop in loops:
        number = number * loop.extent + tirx.Cast("int32", loop.loop_var - loop.min)
    return number
