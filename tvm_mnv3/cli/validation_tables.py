"""What ``validate`` found, as tables."""

from __future__ import annotations

from rich.table import Table

from tvm_mnv3.cli.console import facts, listing
from tvm_mnv3.report.wording import accuracy_rows, count_rows, latency_rows, number, threads_text
from tvm_mnv3.source_layer import joined
from tvm_mnv3.validation.gates import GateResult
from tvm_mnv3.validation.layers import LayerComparison
from tvm_mnv3.validation.result import Validation

#: Steps that are printed around the first that departs.
_AROUND = 2


def validation_tables(found: Validation) -> list[tuple[str, Table]]:
    """Each table with its title: accuracy, latency or counts, gates, layers around the first that departs."""
    model = found.model
    compared = f", against {found.reference['name']} ({found.reference['framework']})" if found.reference else ""
    title = f"{model['name']}, {model['precision']}, on {found.device}{compared}"
    tables = [(title, listing(("", "measured", "95 % interval"), accuracy_rows(found)))]
    if found.latency is not None:
        tables.append((f"latency, {threads_text(found.latency)}", facts(latency_rows(found.latency))))
    if found.counts is not None:
        tables.append(("counts of one inference (the emulated core has no latency)", facts(count_rows(found.counts))))
    if found.layers is not None and found.layers.first is not None:
        tables.append(("kernels around the first that departs", _layer_table(found.layers)))
    if found.gates:
        columns = ("gate", "limit", "measured", "verdict")
        tables.append(("gates", listing(columns, [_gate_row(gate) for gate in found.gates], numbers=columns[1:3])))
    return tables


def _gate_row(gate: GateResult) -> tuple[str, ...]:
    return gate.name, f"{gate.limit:g}", number(gate.measured), "passed" if gate.passed else "FAILED"


def _layer_table(layers: LayerComparison) -> Table:
    first = layers.first.step if layers.first is not None else 0
    rows = [
        (
            str(step.step),
            step.kernel,
            joined(step.layers),
            "-" if step.error is None else number(step.error),
            "departs" if step.error is not None and not step.error <= layers.tolerance else "",
        )
        for step in layers.steps[max(0, first - _AROUND) : first + _AROUND + 1]
    ]
    return listing(("step", "kernel", "layers", "error %", ""), rows, numbers=("step", "error %"))
