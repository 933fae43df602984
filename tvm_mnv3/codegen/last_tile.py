"""The last tile of channels, without the vectors that the tile before it has computed (see `schedules.tiles`)."""

from __future__ import annotations

from tvm_mnv3.compat import tirx
from tvm_mnv3.schedules.tiles import AGAIN, TILES


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
        return _loop(statement, _parted(statement.body))
    most = int(statement.extent) - 1
    return tirx.SeqStmt(
        [
            _loop(statement, _vectors(statement.body, last=False), 0, most),
            _loop(statement, _vectors(statement.body, last=True), most, 1),
        ]
    )


def _vectors(statement: tirx.Stmt, *, last: bool) -> tirx.Stmt:
    """The body of a tile, of the last one with its first vectors left out."""
    if isinstance(statement, tirx.SeqStmt):
        return tirx.SeqStmt([_vectors(each, last=last) for each in statement.seq])
    if not isinstance(statement, tirx.For):
        return statement
    body = _vectors(statement.body, last=last)
    if last and AGAIN in statement.annotations:
        skipped = int(statement.annotations[AGAIN])
        return _loop(statement, body, skipped, int(statement.extent) - skipped)
    return _loop(statement, body)


def _loop(loop: tirx.For, body: tirx.Stmt, first: int | None = None, count: int | None = None) -> tirx.For:
    """The loop with another body, with these bounds if they are given, without the annotations that are done with."""
    kept = {key: value for key, value in loop.annotations.items() if key not in (TILES, AGAIN)}
    dtype = str(loop.loop_var.ty)
    start, extent = (
        old if new is None else tirx.IntImm(dtype, new) for old, new in ((loop.min, first), (loop.extent, count))
    )
    return tirx.For(loop.loop_var, start, extent, loop.kind, body, None, kept)
