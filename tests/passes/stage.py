"""A fluent tester of one or several passes: run them, look at the operators, compare the results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
from passes.interpreter import run

from tvm_mnv3.compat import Call, IRModule, relax
from tvm_mnv3.passes.composite import composite_function, operands
from tvm_mnv3.passes.dataflow import Dataflow, operator
from tvm_mnv3.passes.kernels import called_workload
from tvm_mnv3.workload import Workload

Pass = Callable[[IRModule], IRModule]


def operators(module: IRModule) -> Counter[str]:
    """How often ``main`` calls each operator; a composite is called by its workload's name."""
    counts: Counter[str] = Counter()
    for value in Dataflow.of(module).definitions.values():
        workload = called_workload(value, module)
        if workload or operator(value):
            counts[workload.name if workload else operator(value)] += 1
    return counts


def module_of(body: Callable[..., relax.Expr], *shapes: tuple[int, ...], dtype: str = "float32") -> IRModule:
    """A module whose ``main`` returns `body` of one input of each shape; `body` gets the block builder first."""
    inputs = [relax.Var(f"x{i}", relax.TensorType(shape, dtype)) for i, shape in enumerate(shapes)]
    builder = relax.BlockBuilder()
    with builder.function("main", inputs):
        with builder.dataflow():
            result = builder.emit_output(body(builder, *inputs))
        builder.emit_func_output(result)
    return builder.get()


def kernel_call(builder: relax.BlockBuilder, name: str, data: relax.Expr, random: np.random.Generator) -> relax.Var:
    """A call of the workload's composite function, with random weights of its own."""
    workload = Workload.parse(name)
    function = builder.add_func(composite_function(workload), name)
    shapes = list(operands(workload).values())[1:]
    weights = [relax.const(random.normal(0, 0.1, shape).astype("float32")) for shape in shapes]
    return builder.emit(Call(function, [data, *weights]))


class Stage:
    """A module on its way through passes; every method but `operators` returns the stage."""

    def __init__(self, module: IRModule) -> None:
        self.module = module

    def run(self, *passes: Pass) -> Stage:
        """Apply passes."""
        for step in passes:
            self.module = step(self.module)
        return self

    def check(self, **counts: int) -> Stage:
        """Operators are there so many times; ``__`` stands for a dot."""
        found = operators(self.module)
        for name, count in counts.items():
            assert found[name.replace("__", ".")] == count, (name, found)
        return self

    def check_not(self, *names: str) -> Stage:
        """Operators are not there."""
        found = operators(self.module)
        assert not [name for name in names if found[name]], found
        return self

    def check_result(self, expected: np.ndarray, *inputs: np.ndarray, tolerance: float = 1e-5) -> Stage:
        """``main`` returns this one tensor."""
        (result,) = run(self.module, *inputs)
        np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance)
        return self
