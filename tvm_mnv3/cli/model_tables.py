"""A network before it is compiled, as tables: a named model's layers, a model file's operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from tvm_mnv3.cli.console import facts, in_bytes, in_millions, listing, shape_text

if TYPE_CHECKING:
    from tvm_mnv3.describe import FileDescription
    from tvm_mnv3.models.count import Layer
    from tvm_mnv3.models.registry import ModelEntry


def named_tables(entry: ModelEntry) -> list[tuple[str, Table]]:
    """A named model, each table with its title: its dialect and counts, its layers at its own input size."""
    counts = entry.counts(height=entry.input_size, width=entry.input_size)
    how = entry.transform
    rows = [
        ("family", f"{entry.family}: its parameter names, its rounding of channels"),
        ("width", f"{entry.width:g}{', minimalistic (no SE, no hard-swish, no 5x5)' if entry.minimal else ''}"),
        ("batch norm", f"eps {entry.batch_norm_eps:g}"),
        ("padding", "SAME, as TensorFlow (asymmetric at stride 2)" if entry.same_padding else "symmetric"),
        ("input", f"float32 1x3x{entry.input_size}x{entry.input_size}"),
        ("picture", f"short side to {how.resize} ({how.interpolation}), centre {how.crop}x{how.crop}"),
        ("pretrained", entry.published.label if entry.published else "none published here: --weights FILE or random"),
        ("parameters", in_millions(counts.parameters)),
        ("multiply-adds", in_millions(counts.multiply_adds)),
    ]
    layers = entry.layers(height=entry.input_size, width=entry.input_size)
    # The paper's abbreviations, which fit a narrow terminal: NL for the activation, HS and RE for its kinds.
    columns = ("layer", "input", "operator", "exp", "out", "SE", "NL", "parameters", "MACs")
    table = listing(
        columns,
        [_layer_row(layer) for layer in layers],
        numbers=("exp", "out", "SE", "parameters", "MACs"),
    )
    return [(entry.name, facts(rows)), ("layers, with 1000 classes", table)]


def _layer_row(layer: Layer) -> tuple[str, ...]:
    return (
        layer.name,
        f"{layer.height}x{layer.width}x{layer.in_channels}",
        layer.operator,
        str(layer.expanded or "-"),
        str(layer.out_channels),
        str(layer.squeezed or "-"),
        {"hswish": "HS", "relu": "RE", None: "-"}[layer.activation],
        f"{layer.counts.parameters:,}",
        in_millions(layer.counts.multiply_adds),
    )


def file_tables(description: FileDescription) -> list[tuple[str, Table]]:
    """A model file, each table with its title: inputs and outputs, how often each operator occurs."""
    rows = [
        ("format", description.format),
        *((f"input {t.name}", f"{t.dtype} {shape_text(t.shape)}") for t in description.inputs),
        *((f"output {t.name}", f"{t.dtype} {shape_text(t.shape)}") for t in description.outputs),
        ("constants", in_bytes(description.constant_bytes)),
    ]
    operators = sorted(description.operators.items(), key=lambda item: (-item[1], item[0]))
    table = listing(
        ("operator", "uses"),
        [(name, str(uses)) for name, uses in operators],
        numbers=("uses",),
    )
    return [(description.source, facts(rows)), ("operators, as imported into Relax", table)]
