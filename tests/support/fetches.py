"""What loops fetch into the caches, by walking through their turns."""

from __future__ import annotations

from collections.abc import Iterator
from operator import add, mul, sub
from typing import Any

from tvm_mnv3.compat import Call, s_tir, tirx

_OPERATIONS = {tirx.Add: add, tirx.Sub: sub, tirx.Mul: mul}


def fetches(statement: tirx.Stmt, outer: dict[tirx.Var, int] | None = None) -> Iterator[tuple[tuple[int, ...], int]]:
    """The loops' values, outermost first, and the offset of every fetch, in the order in which the loops make them."""
    values = outer or {}
    if isinstance(statement, tirx.SeqStmt):
        for each in statement.seq:
            yield from fetches(each, values)
    elif isinstance(statement, s_tir.SBlockRealize):
        yield from fetches(statement.block.body, values)
    elif isinstance(statement, tirx.For):
        for value in range(int(statement.extent)):
            yield from fetches(statement.body, {**values, statement.loop_var: int(statement.min) + value})
    elif isinstance(statement, tirx.Evaluate) and isinstance(statement.value, Call):
        (address,) = (a for a in statement.value.args if isinstance(a, Call))
        yield tuple(values.values()), number(address.args[1], values)


def number(expression: Any, values: dict[tirx.Var, int]) -> int:
    """The value of an expression of integers."""
    if isinstance(expression, tirx.Var):
        return values[expression]
    if isinstance(expression, tirx.Cast):
        return number(expression.value, values)
    if type(expression) in _OPERATIONS:
        operation = _OPERATIONS[type(expression)]
        return int(operation(number(expression.a, values), number(expression.b, values)))
    return int(expression)
