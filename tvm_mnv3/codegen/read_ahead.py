"""Loops that fetch what lies behind a kernel's weights while they compute (see `tvm_mnv3.schedules.read_ahead`).

A fetch is LLVM's ``llvm.prefetch`` into the second-level cache. It never faults, so that the end of the weights needs
no care, and it changes no value.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log2, prod

import numpy as np

from tvm_mnv3.compat import Expr, tirx
from tvm_mnv3.schedules.read_ahead import READ_AHEAD

#: Bytes that one fetch brings.
LINE = 64
#: Fetches in one turn of the loop, at most: more at once wait for each other.
MOST = 2
#: Arguments of ``llvm.prefetch``: to read; into the second-level cache; data.
_READ, _SECOND_LEVEL, _DATA = 0, 2, 1


def with_reads_ahead(function: tirx.PrimFunc) -> tirx.PrimFunc:
    """The function, in flat loops, with fetches in every loop that is annotated with `READ_AHEAD`.

    They are spread evenly over the turns that the loop makes in the whole kernel. What they fetch begins behind the
    operand ``weight``.
    """
    weights = [buffer for buffer in function.params if buffer.name == "weight"]
    if not weights:
        return function
    body = _Writer(weights[0]).rewritten(function.body, ())
    return tirx.PrimFunc(function.params, body, function.ret_type, function.attrs)


@dataclass(frozen=True)
class _Writer:
    weight: tirx.Buffer

    def rewritten(self, statement: tirx.Stmt, outer: tuple[tirx.For, ...]) -> tirx.Stmt:
        """The statement inside the loops `outer`."""
        if isinstance(statement, tirx.SeqStmt):
            return tirx.SeqStmt([self.rewritten(each, outer) for each in statement.seq])
        if not isinstance(statement, tirx.For):
            return statement
        loops = (*outer, statement)
        body = self.rewritten(statement.body, loops)
        annotations = {**statement.annotations}
        wanted = int(annotations.pop(READ_AHEAD, 0))
        if wanted:
            body = tirx.SeqStmt([*self._fetches(loops, wanted), body])
        return tirx.For(statement.loop_var, statement.min, statement.extent, statement.kind, body, None, annotations)

    def _fetches(self, loops: tuple[tirx.For, ...], wanted: int) -> list[tirx.Stmt]:
        """Those of one turn of the innermost of the loops."""
        turns, lines = prod(int(loop.extent) for loop in loops), ceil(wanted / LINE)
        each = min(ceil(lines / turns), MOST)
        # With more turns than lines several turns fetch the same one: that costs less than to ask whether to.
        same = max(0, floor(log2(turns * each / lines)))
        first = tirx.min(_turn(loops) * each >> same, lines - each)
        own = prod(int(extent) for extent in self.weight.shape) * np.dtype(str(self.weight.dtype)).itemsize
        return [self._fetch(own + (first + number) * LINE) for number in range(each)]

    def _fetch(self, offset: Expr) -> tirx.Stmt:
        address = tirx.handle_add_byte_offset(self.weight.data, offset)
        arguments = (tirx.IntImm("int32", value) for value in (_READ, _SECOND_LEVEL, _DATA))
        return tirx.Evaluate(tirx.call_llvm_intrin("void", "llvm.prefetch.p0", address, *arguments))


def _turn(loops: tuple[tirx.For, ...]) -> Expr:
    """The number of the innermost loop's turn, counted over all of them."""
    number = tirx.IntImm("int32", 0)
    for loop in loops:
        number = number * loop.extent + tirx.Cast("int32", loop.loop_var - loop.min)
    return number
