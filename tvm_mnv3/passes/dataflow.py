"""What every pass needs of a Relax function: reading its one dataflow block, and writing it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tvm_mnv3.compat import (
    Call,
    GenericConst,
    IRModule,
    Op,
    PyExprMutator,
    Sequential,
    mutator,
    relax,
    tirx,
)

#: Removes what a rewrite leaves: aliases, and bindings that nothing reads.
SWEEP = Sequential(
    [relax.transform.CanonicalizeBindings(), relax.transform.DeadCodeElimination(["main"])], name="Sweep"
)


@dataclass(frozen=True)
class Dataflow:
    """The bindings of ``main`` in order, and who reads whom.

    Parameters
    ----------
    parameters
        The network's inputs.
    definitions
        What each variable is bound to, in order.
    readers
        The variables whose definitions read a variable, once per read; a network's output is read by None as well.
    """

    parameters: tuple[relax.Var, ...]
    definitions: dict[relax.Var, relax.Expr]
    readers: dict[relax.Var, list[relax.Var | None]]

    @classmethod
    def of(cls, module: IRModule) -> Dataflow:
        """The dataflow of a module's ``main``."""
        main = module["main"]
        definitions = {b.var: b.value for block in main.body.blocks for b in block.bindings}
        readers: dict[relax.Var, list[relax.Var | None]] = {v: [] for v in (*main.params, *definitions)}
        for reader, value in definitions.items():
            for var in variables(value):
                readers[var].append(reader)
        for var in variables(main.body.body):
            readers[var].append(None)
        return cls(tuple(main.params), definitions, readers)

    def value(self, expr: relax.Expr) -> relax.Expr:
        """What a variable is bound to; a parameter or any other expression is returned as it is."""
        return self.definitions.get(expr, expr) if isinstance(expr, relax.Var) else expr

    def only_reader(self, var: relax.Var) -> relax.Var | None:
        """The one variable that reads this one; None if there is none, several, or it is an output."""
        readers = self.readers[var]
        return readers[0] if len(readers) == 1 else None


def variables(expr: relax.Expr) -> Iterator[relax.Var]:
    """The variables that an expression in normal form reads, once per read."""
    if isinstance(expr, relax.Var):
        yield expr
    elif isinstance(expr, relax.Tuple):
        for field in expr.fields:
            yield from variables(field)
    elif isinstance(expr, relax.TupleGetItem):
        yield from variables(expr.tuple_value)
    elif isinstance(expr, Call):
        for arg in expr.args:
            yield from variables(arg)


def operator(expr: relax.Expr) -> str:
    """The name of the operator that an expression calls, without ``relax.``; empty for anything else."""
    if isinstance(expr, Call) and isinstance(expr.op, Op):
        return str(expr.op.name).removeprefix("relax.")
    return ""


def shape(expr: relax.Expr) -> tuple[int, ...]:
    """The static shape of a tensor expression; of anything else the empty tuple."""
    ty = expr.ty
    if not isinstance(ty, relax.TensorType) or not isinstance(ty.shape, relax.ShapeExpr):
        return ()
    return tuple(int(d) for d in ty.shape.values)


def dtype(expr: relax.Expr) -> str:
    """The dtype of a tensor expression."""
    return str(expr.ty.dtype)


def array(expr: relax.Expr) -> np.ndarray | None:
    """The value of a constant; None if it is not a constant."""
    return expr.value.numpy() if isinstance(expr, GenericConst) else None


def number(expr: relax.Expr) -> float | None:
    """The value of a constant of one element, or of a number such as the bound of a clip; else None."""
    if isinstance(expr, (tirx.IntImm, tirx.FloatImm)):
        return float(expr.value)
    value = array(expr)
    return float(value.reshape(())) if value is not None and value.size == 1 else None


class Writer:
    """Writes bindings in the place of one."""

    def __init__(self, builder: relax.BlockBuilder) -> None:
        self._builder = builder

    def emit(self, expr: relax.Expr) -> relax.Var:
        """Bind an expression to a new variable."""
        return self._builder.emit(expr)

    def bind(self, var: relax.Var, expr: relax.Expr) -> None:
        """Bind an expression to a variable that exists already; it must have the variable's type."""
        value = self._builder.normalize(expr)
        self._builder.emit_normalized(relax.VarBinding(var, value))

    def function(self, function: relax.Function, name: str) -> relax.GlobalVar:
        """Add a private function; one that is there already is shared."""
        return self._builder.add_func(function, name)


#: Writes what a binding becomes and returns True, or returns False and the binding stays.
Rule = Callable[[Writer, relax.Var, relax.Expr], bool]


def rewrite(module: IRModule, rule: Rule) -> IRModule:
    """Write ``main`` anew, binding by binding, and sweep away what is no longer read.

    Variables keep their identity, so what a rule finds in a `Dataflow` of `module` it can use as it is.
    """
    rewriter = _Rewriter(module, rule)
    main = module.get_global_var("main")
    rewriter.builder_.update_func(main, rewriter.visit_expr(module[main]))
    return SWEEP(rewriter.builder_.get())


@mutator
class _Rewriter(PyExprMutator):  # type: ignore[misc]
    def __init__(self, module: IRModule, rule: Rule) -> None:
        super().__init__(module)
        self._rule = rule
        self._writer = Writer(self.builder_)

    def visit_var_binding_(self, binding: relax.VarBinding) -> None:
        if not self._rule(self._writer, binding.var, binding.value):
            self.builder_.emit_normalized(binding)
