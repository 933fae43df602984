"""The last term of a tile's sums, added row by row, and what becomes of each row before the next one's.

A register tile ends with a burst of stores. A dozen of them fill the queue in which stores wait for their sums, and
then the core takes up no work of the next tile. Among the last multiply-adds they find room: 24 sums of 16 terms take
204 cycles, not 234, which is the time of their arithmetic alone (Emerald Rapids). No sum changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import TypeGuard

from tvm_mnv3.compat import Expr, tirx
from tvm_mnv3.schedules.tiles import IN_TURN

from .flat_loops import anew, sequence, statements


def with_rows_in_turn(function: tirx.PrimFunc) -> tirx.PrimFunc:
    """The function, in flat loops, with the loops annotated with `IN_TURN` as one, where they follow each other.

    The first of them lies inside loops over the terms of sums, which leave out their last turn. It follows as one loop
    over rows: the last term, and the bodies of the others. Annotations that are alone just go.
    """
    return tirx.PrimFunc(function.params, _in_turn(function.body, ()), function.ret_type, function.attrs)


def _in_turn(statement: tirx.Stmt, around: tuple[tirx.Var, ...]) -> tirx.Stmt:
    """`around` are the variables of the loops around it."""
    if isinstance(statement, tirx.For):
        return anew(statement, _in_turn(statement.body, (*around, statement.loop_var)), without=[IN_TURN])
    if not isinstance(statement, tirx.SeqStmt):
        return statement
    done: list[tirx.Stmt] = []
    rest = list(statement.seq)
    while rest:
        each = rest.pop(0)
        rows = list(takewhile(_is_rows, rest))
        if rows and _sums_rows(each):
            done += _parted(each, rows, around)
            del rest[: len(rows)]
        else:
            done.append(_in_turn(each, around))
    return sequence(done)


def _is_rows(statement: tirx.Stmt) -> TypeGuard[tirx.For]:
    return isinstance(statement, tirx.For) and IN_TURN in statement.annotations


def _sums_rows(statement: tirx.Stmt) -> TypeGuard[tirx.For]:
    """Whether it is a loop over terms, at whose end there is a loop over rows."""
    while isinstance(statement, tirx.For) and not _is_rows(statement):
        statement = statements(statement.body)[-1]
        if _is_rows(statement):
            return True
    return False


def _parted(terms: tirx.For, rows: Sequence[tirx.For], around: tuple[tirx.Var, ...]) -> list[tirx.Stmt]:
    """A loop over terms without its last turn, and that turn with the rows."""
    most = int(terms.extent) - 1
    *others, inner = statements(terms.body)
    last = [_merged(inner, rows)] if _is_rows(inner) else _parted(inner, rows, around)
    before = [anew(terms, _in_turn(terms.body, (*around, terms.loop_var)), extent=most)] if most else []
    return [*before, _once(terms, terms.min + most + _zero(terms, around), sequence([*others, *last]))]


def _zero(terms: tirx.For, around: tuple[tirx.Var, ...]) -> Expr:
    """``min(sum of the loops' variables, 0)``, in a form that TVM leaves alone and LLVM cannot know.

    Else what the last turn reads is the same for some of the loops around, and LLVM reads it before them: far more than
    there are registers, so that it waits on the stack, and sums that it drives out as well.
    """
    dtype = str(terms.loop_var.ty)
    zero = tirx.IntImm(dtype, 0)
    total = sum((tirx.Cast(dtype, each) for each in around), zero)
    return tirx.call_llvm_pure_intrin(dtype, f"llvm.smin.i{dtype.removeprefix('int')}", total, zero)


def _merged(first: tirx.For, others: Sequence[tirx.For]) -> tirx.For:
    """One loop over what all of them do."""
    turns = [part for each in others for part in (tirx.Bind(each.loop_var, first.loop_var), each.body)]
    return anew(first, tirx.SeqStmt([first.body, *turns]), without=[IN_TURN])


def _once(loop: tirx.For, value: Expr, body: tirx.Stmt) -> tirx.For:
    """One turn of a loop."""
    return tirx.For(loop.loop_var, value, 1, tirx.ForKind.UNROLLED, body)
