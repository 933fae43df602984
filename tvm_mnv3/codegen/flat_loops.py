"""What passes over functions in flat loops have in common: sequences of statements, and loops made anew."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tvm_mnv3.compat import Expr, tirx


def statements(body: tirx.Stmt) -> list[tirx.Stmt]:
    """The statements of a sequence, or the only one."""
    return list(body.seq) if isinstance(body, tirx.SeqStmt) else [body]


def sequence(parts: Sequence[tirx.Stmt]) -> tirx.Stmt:
    """One statement of some: TVM has no sequence of one."""
    return parts[0] if len(parts) == 1 else tirx.SeqStmt(list(parts))


def anew(
    loop: tirx.For,
    body: tirx.Stmt,
    *,
    start: Expr | int | None = None,
    extent: Expr | int | None = None,
    without: Collection[str] = (),
) -> tirx.For:
    """The loop with another body, with these bounds if they are given, and without some of its annotations."""
    dtype = str(loop.loop_var.ty)
    bounds = [
        old if new is None else tirx.IntImm(dtype, new) if isinstance(new, int) else new
        for old, new in ((loop.min, start), (loop.extent, extent))
    ]
    kept = {key: value for key, value in loop.annotations.items() if key not in without}
    return tirx.For(loop.loop_var, *bounds, loop.kind, body, None, kept)
