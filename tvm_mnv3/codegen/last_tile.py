"""The last tile of channels, without the vectors that the tile before it has computed (see `schedules.tiles`)."""

from __future__ import annotations

from tvm_mnv3.compat import tirx
from tvm_mnv3.schedules.tiles import AGAIN, TILES

from .flat_loops import anew


def with_shorter_last_tile(function: tirx.PrimFunc) -> tirx.PrimFunc:
    """The function, in flat loops, with every loop that is annotated with `TILES` in two: all tiles but the last, and
    the last, whose loops with `AGAIN` begin later. Both use the same variables."""
    return tirx.PrimFunc(function.params, _parted(function.body), function.ret_type, function.attrs)


def _parted(statement: tirx.Stmt) -> tirx.Stmt:
    if isinstance(statement, tirx.SeqStmt):
        return tirx.SeqStmt([_parted(each) for each in statement.seq])
    if not isinstance(statement, tirx.For):
        return statement
    if TILES not in statement.annotations:
        return anew(statement, _parted(statement.body), without=[AGAIN])
    most = int(statement.extent) - 1
    return tirx.SeqStmt(
        [
            anew(statement, _vectors(statement.body, last=False), start=0, extent=most, without=[TILES]),
            anew(statement, _vectors(statement.body, last=True), start=most, extent=1, without=[TILES]),
        ]
    )


def _vectors(statement: tirx.Stmt, *, last: bool) -> tirx.Stmt:
    """The body of a tile, of the last one with its first vectors left out."""
    if isinstance(statement, tirx.SeqStmt):
        return tirx.SeqStmt([_vectors(each, last=last) for each in statement.seq])
    if isinstance(statement, tirx.IfThenElse):
        otherwise = statement.else_case
        other = None if otherwise is None else _vectors(otherwise, last=last)
        return tirx.IfThenElse(statement.condition, _vectors(statement.then_case, last=last), other)
    if not isinstance(statement, tirx.For):
        return statement
    body = _vectors(statement.body, last=last)
    if last and AGAIN in statement.annotations:
        skipped = int(statement.annotations[AGAIN])
        return anew(statement, body, start=skipped, extent=int(statement.extent) - skipped, without=[AGAIN])
    return anew(statement, body, without=[AGAIN])
