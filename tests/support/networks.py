"""Small networks in normal form, written down as workloads, with NumPy as their reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.schedules.registry import template_for
from tvm_mnv3.workload import Workload

Array = np.ndarray[Any, Any]


@dataclass
class NetworkBuilder:
    """Adds one kernel after another to a network in normal form."""

    seed: int = 0
    builder: relax.BlockBuilder = field(default_factory=relax.BlockBuilder)
    layers: list[tuple[Workload, dict[str, Any], list[relax.Var]]] = field(default_factory=list)
    views: list[tuple[relax.Var, relax.Var, tuple[int, ...]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        self.factor = 1.0

    def build(self, inputs: Sequence[relax.Var], body: Any) -> IRModule:
        """``main`` with those parameters; `body` gets this builder and returns the output or a list of them."""
        with self.builder.function("main", list(inputs)):
            with self.builder.dataflow():
                result = body(self)
                output = self.builder.emit_output(relax.Tuple(result) if isinstance(result, list) else result)
            self.builder.emit_func_output(output)
        return self.builder.get()

    def kernel(self, name: str, **activations: relax.Expr) -> list[relax.Var]:
        """A call of the composite function of that workload with random weights; its outputs."""
        workload = Workload.parse(name)
        weights = {
            role: np.float32(self.factor) * array for role, array in random_weights(workload, self.random).items()
        }
        operands = {**activations, **{role: relax.const(value) for role, value in weights.items()}}
        types = [relax.TensorType(shape, workload.dtype) for shape in output_shapes(workload)]
        several = len(types) > 1
        function = _opaque_function([relax.Var(role, value.ty) for role, value in operands.items()], types)
        function = function.with_attrs(
            {"Composite": f"tvm_mnv3.{workload.operator}", "Workload": workload.name, "Operands": list(operands)}
        ).without_attr("global_symbol")
        variable = self.builder.add_func(function, workload.name)
        call = self.builder.emit(relax.Call(variable, list(operands.values())))
        outputs = [self.builder.emit(relax.TupleGetItem(call, i)) for i in range(len(types))] if several else [call]
        self.layers.append((workload, {**activations, **weights}, outputs))
        return outputs

    def view(self, value: relax.Var, shape: tuple[int, ...]) -> relax.Var:
        """The same bytes in another shape."""
        view = self.builder.emit(relax.op.reshape(value, shape))
        self.views.append((view, value, shape))
        return view

    def expected(self, inputs: dict[relax.Var, Array]) -> dict[relax.Var, Array]:
        """Every kernel's outputs by NumPy."""
        values = dict(inputs)

        def array(operand: Any) -> Array:
            for view, value, shape in self.views:
                if operand is view:
                    return values[value].reshape(shape)
            return values[operand] if isinstance(operand, relax.Var) else operand

        for workload, operands, outputs in self.layers:
            template = template_for(workload)
            assert template is not None
            arrays = {role: array(operand) for role, operand in operands.items()}
            values.update(zip(outputs, template.reference(arrays, workload), strict=True))
        return values


def _opaque_function(parameters: list[relax.Var], types: list[relax.TensorType]) -> relax.Function:
    """A function of that type; what it does is told by its attributes, and nobody reads its body."""
    builder = relax.BlockBuilder()
    with builder.function("composite", parameters):
        with builder.dataflow():
            result = builder.emit_output(relax.call_dps_packed("composite", relax.Tuple(parameters), types))
        builder.emit_func_output(result)
    return builder.get()["composite"]


def output_shapes(w: Workload) -> list[tuple[int, ...]]:
    """The shapes of a kernel's outputs."""
    if w.operator == "dense":
        return [(w.batch, w.out_channels)]
    if w.operator in ("se", "pool"):
        return [(w.batch, 1, 1, w.in_channels)]
    shapes: list[tuple[int, ...]] = [(w.batch, w.out_height, w.out_width, w.out_channels)]
    return [*shapes, (w.batch, 1, 1, w.out_channels)] if "pool" in w.epilogue else shapes


def random_weights(w: Workload, random: np.random.Generator) -> dict[str, Array]:
    """Plain weights by role, scaled so that values stay near one through many layers."""

    def weight(*shape: int, fan_in: int) -> Array:
        return (random.standard_normal(shape) / np.sqrt(fan_in)).astype(w.stored_dtype)

    def bias(length: int) -> Array:
        return random.standard_normal(length).astype(np.float32)

    if w.operator == "pool":
        return {}
    if w.operator == "se":
        channels, squeezed = w.in_channels, w.out_channels
        return {
            "weight1": weight(squeezed, channels, fan_in=channels),
            "bias1": bias(squeezed),
            "weight2": weight(channels, squeezed, fan_in=squeezed),
            "bias2": bias(channels),
        }
    depth = 1 if w.operator == "depthwise" else w.in_channels
    window = () if w.operator == "dense" else (w.kernel, w.kernel)
    weights = {"weight": weight(w.out_channels, *window, depth, fan_in=depth * w.kernel**2)}
    if "bias" in w.epilogue:
        weights["bias"] = bias(w.out_channels)
    if "affine" in w.prologue:
        spread = 1 / 64 if w.layout == "pixels" else 2
        weights["factor"] = np.float32(spread) * random.uniform(0.5, 1, w.in_channels).astype(np.float32)
        weights["offset"] = random.uniform(-1, 0, w.in_channels).astype(np.float32)
    return weights


def random_activations(w: Workload, random: np.random.Generator) -> dict[str, Array]:
    """A kernel's activations by role."""

    def normal(*shape: int) -> Array:
        return random.standard_normal(shape).astype(w.dtype)

    if w.operator == "dense":
        operands = {"data": normal(w.batch, w.in_channels)}
    elif w.layout == "nchw":
        data = normal(w.batch, w.in_channels, w.height, w.width)
        operands = {"data": data.astype(np.float32) if "affine" in w.prologue else data}
    elif w.layout == "pixels":
        operands = {"data": random.integers(0, 256, (w.batch, w.height, w.width, w.in_channels), np.uint8)}
    else:
        operands = {"data": normal(w.batch, w.height, w.width, w.in_channels)}
    if "scale" in w.prologue:
        operands["scale"] = normal(w.batch, 1, 1, w.in_channels)
    if "add" in w.epilogue:
        operands["residual"] = normal(*output_shapes(w)[0])
    return operands
