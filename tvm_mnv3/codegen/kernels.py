"""From the normal form to kernels: every composite function gets its template's scheduled kernel and packed weights.

What comes out is a module whose ``main`` only calls kernels: ``call_dps_packed("SYMBOL", ...)`` for those of
templates, ``call_tir`` for those of Relax's own legalization and fusion; and, between them, views (reshapes).
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tvm_mnv3.compat import (
    Call,
    GenericConst,
    GlobalVar,
    IRModule,
    PyExprMutator,
    Sequential,
    mutator,
    relax,
    tirx,
)
from tvm_mnv3.schedules.fallback import schedule_fallback
from tvm_mnv3.schedules.registry import template_for
from tvm_mnv3.schedules.template import ACTIVATION_OPERANDS, Array, Template
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload


@dataclass(frozen=True)
class Kernel:
    """A scheduled kernel, used once or more.

    Parameters
    ----------
    symbol
        Its C name: the workload's name, or ``fallback_`` and TVM's name of the fused operators.
    function
        The scheduled S-TIR function; its buffers are the kernel's parameters, inputs first.
    workload
        None for the fallback.
    knobs
        As a JSON object; empty for the fallback.
    origin
        Where the knobs came from: ``default``, ``log``, or ``fallback``.
    """

    symbol: str
    function: tirx.PrimFunc
    workload: Workload | None
    knobs: Mapping[str, Any]
    origin: str


@dataclass(frozen=True)
class ScheduledModule:
    """A module whose ``main`` only calls these kernels, by symbol."""

    module: IRModule
    kernels: Mapping[str, Kernel]


def schedule_kernels(module: IRModule, core: Core, tuned: Mapping[str, Any] | None = None) -> ScheduledModule:
    """Give every operation of a module in normal form its kernel.

    Parameters
    ----------
    module
        In the normal form of `tvm_mnv3.passes`.
    core
        What the kernels are scheduled for.
    tuned
        Knobs that a log has, by the workload's name; the others are the template's default.
    """
    chooser = _TemplateChooser(_without_unserved(module), core, tuned or {})
    module = Sequential([relax.transform.DeadCodeElimination(["main"]), *_legalize()])(chooser.transform())
    kernels = dict(chooser.kernels)
    for variable, function in module.functions_items():
        if isinstance(function, tirx.PrimFunc):
            symbol = f"fallback_{variable.name_hint}"
            kernels[symbol] = Kernel(symbol, schedule_fallback(function, core), None, {}, "fallback")
    return ScheduledModule(module, kernels)


def workload_names(module: IRModule) -> Mapping[str, int]:
    """How often ``main`` runs each workload that a template serves, by its name, in the order of first use."""
    uses: Counter[str] = Counter()

    def visit(expression: object) -> None:
        if isinstance(expression, Call) and isinstance(expression.op, GlobalVar):
            workload = _workload(module[expression.op])
            uses[workload.name] += template_for(workload) is not None

    relax.analysis.post_order_visit(module["main"].body, visit)
    return {name: count for name, count in uses.items() if count}


def _legalize() -> list[Any]:
    """Relax's own way from operators to fused loops, for whatever no template serves."""
    return [
        relax.transform.LegalizeOps(skip_ops=["relax.reshape"]),
        relax.transform.AnnotateTIROpPattern(),
        relax.transform.FuseOps(),
        relax.transform.FuseTIR(),
        relax.transform.DeadCodeElimination(["main"]),
    ]


def _without_unserved(module: IRModule) -> IRModule:
    """The module with the composites that no template serves inlined: their operators are for Relax to legalize."""
    unserved = {
        variable: function
        for variable, function in module.functions_items()
        if variable.name_hint != "main" and template_for(_workload(function)) is None
    }
    if unserved:
        module = module.clone()
        module.update_func(module.get_global_var("main"), module["main"].inline_functions(unserved))
    return module


def _workload(composite: relax.Function) -> Workload:
    return Workload.parse(str(composite.attrs["Workload"]))


@mutator
class _TemplateChooser(PyExprMutator):  # type: ignore[misc]
    """Rewrites calls of composite functions into calls of their templates' kernels."""

    def __init__(self, module: IRModule, core: Core, tuned: Mapping[str, Any]) -> None:
        super().__init__(module)
        self.module = module
        self.core = core
        self.tuned = tuned
        self.kernels: dict[str, Kernel] = {}

    def transform(self) -> IRModule:
        main = self.module.get_global_var("main")
        self.builder_.update_func(main, self.visit_expr(self.module["main"]))
        return self.builder_.get()

    def visit_call_(self, call: Call) -> relax.Expr:
        call = super().visit_call_(call)
        if not isinstance(call.op, GlobalVar):
            return call
        composite = self.module[call.op]
        workload = _workload(composite)
        template = template_for(workload)
        assert template is not None, "composites without a template were inlined before"
        operands = dict(zip(map(str, composite.attrs["Operands"]), call.args, strict=True))
        knobs = self.tuned.get(workload.name) or template.default(workload, self.core)
        kernel = self._kernel(workload, template, knobs)
        activations = [operands[role] for role in ACTIVATION_OPERANDS if role in operands]
        weights = {role: _array(value) for role, value in operands.items() if role not in ACTIVATION_OPERANDS}
        packed = [relax.const(array) for array in template.pack(weights, workload, knobs)]
        outputs = call.ty
        fields = list(outputs.fields) if isinstance(outputs, relax.TupleType) else [outputs]
        return relax.call_dps_packed(kernel.symbol, relax.Tuple([*activations, *packed]), fields)

    def _kernel(self, workload: Workload, template: Template[Any], knobs: Any) -> Kernel:
        """The kernel of that workload; one serves all its uses."""
        if workload.name not in self.kernels:
            function = template.scheduled(workload, knobs, self.core).mod["main"]
            origin = "log" if workload.name in self.tuned else "default"
            self.kernels[workload.name] = Kernel(workload.name, function, workload, dataclasses.asdict(knobs), origin)
        return self.kernels[workload.name]


def _array(constant: relax.Expr) -> Array:
    if not isinstance(constant, GenericConst):
        raise ValueError(f"a kernel's weights must be constants, but this is {constant}")
    return np.asarray(constant.value.numpy())
