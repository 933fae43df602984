"""What a bundle's manifest says, as tables."""

from __future__ import annotations

import shlex
from collections import Counter

from rich.table import Table

from tvm_mnv3.cli.console import facts, in_bytes, in_millions, listing, shape_text
from tvm_mnv3.codegen.bundle import Bundle, Manifest

_STORAGES = {"fp32": "float32", "fp16": "float16"}


def closing_table(bundle: Bundle) -> Table:
    """What ``compile`` ends with."""
    return facts(
        [
            *_sizes(bundle.manifest),
            ("bundle", str(bundle.path)),
            ("try it", _next_command(bundle)),
        ]
    )


def manifest_tables(bundle: Bundle) -> list[tuple[str, Table]]:
    """What ``inspect`` shows of a bundle, each table with its title: the model, its kernels, its files."""
    manifest = bundle.manifest
    rows = [
        *((f"input {t.name}", f"{t.dtype} {shape_text(t.shape)}") for t in manifest.inputs),
        *((f"output {t.name}", f"{t.dtype} {shape_text(t.shape)}") for t in manifest.outputs),
        ("picture", _picture(manifest)),
        ("labels", str(len(manifest.labels)) if manifest.labels else "none"),
        ("source", f"{manifest.provenance['source']} ({manifest.provenance['format']})"),
        *_sizes(manifest),
        ("library", f"{manifest.library} for {manifest.target['triple']}"),
        ("functions", f"{manifest.prefix}_context_size, {manifest.prefix}_run, {manifest.prefix}_model"),
        ("made with", ", ".join(f"{name} {version}" for name, version in sorted(manifest.versions.items()))),
    ]
    return [
        (title(manifest), facts(rows)),
        ("kernels, in the order of their first use", _kernels(manifest)),
        ("files", listing(("file", "SHA-256"), sorted(manifest.files.items()))),
    ]


def title(manifest: Manifest) -> str:
    """The model, the precision and what it is compiled for."""
    kind, core = manifest.target["kind"], manifest.target["core"]
    return f"{manifest.name}, {manifest.precision}, for {'this machine' if kind == 'host' else f'{kind} ({core})'}"


def weights_origin(manifest: Manifest) -> str:
    """Where the weights came from."""
    digest = manifest.provenance.get("weights_sha256")
    return f"{manifest.provenance['weights']}{f', SHA-256 {digest[:8]}...' if digest else ''}"


def _sizes(manifest: Manifest) -> list[tuple[str, str]]:
    sizes, stored = manifest.sizes, _STORAGES[manifest.weights_storage]
    return [
        ("library size", in_bytes(sizes["library"])),
        ("weights", f"{in_bytes(sizes['weights'])} as {stored}, {weights_origin(manifest)}"),
        ("planned memory", f"{in_bytes(sizes['context'])} a context"),
        ("kernels", _kernel_origins(manifest)),
        ("knobs", _knob_origins(manifest)),
        ("multiply-adds", in_millions(sizes["multiply_adds"])),
    ]


def _kernel_origins(manifest: Manifest) -> str:
    fallback = sum(kernel.workload is None for kernel in manifest.kernels)
    runs = sum(kernel.uses for kernel in manifest.kernels)
    distinct = len(manifest.kernels)
    return f"{distinct} ({distinct - fallback} from templates, {fallback} from the fallback), {runs} calls a run"


def _knob_origins(manifest: Manifest) -> str:
    """How many kernels' knobs came from where."""
    origins = Counter(kernel.origin for kernel in manifest.kernels if kernel.workload is not None)
    named = ", ".join(f"{origin} for {count}" for origin, count in sorted(origins.items()))
    scores = ", ".join(f"{count} {kind}" for kind, count in manifest.tuning.get("scores", {}).items())
    return f"{named or 'none'} ({scores or 'nothing is tuned'})"


def _picture(manifest: Manifest) -> str:
    """How a picture becomes the input."""
    how = manifest.preprocessing
    if how is None:
        return "not known"
    mean, std = (", ".join(f"{value:g}" for value in how[key]) for key in ("mean", "std"))
    return (
        f"short side to {how['resize']} ({how['interpolation']}), centre {how['crop']}x{how['crop']}, "
        f"RGB / 255, mean ({mean}), std ({std})"
    )


def _kernels(manifest: Manifest) -> Table:
    rows = [
        (
            kernel.workload or kernel.symbol,
            kernel.origin,
            str(kernel.uses),
            str(kernel.tasks),
            in_millions(kernel.uses * kernel.multiply_adds),
        )
        for kernel in manifest.kernels
    ]
    columns = ("workload", "knobs", "uses", "tasks", "MACs")
    return listing(columns, rows, numbers=columns[2:])


def _next_command(bundle: Bundle) -> str:
    """A picture needs to know how it becomes the input; every bundle can be looked into."""
    path = shlex.quote(str(bundle.path))
    if bundle.manifest.preprocessing is None or bundle.manifest.labels is None:
        return f"tvm-mnv3 inspect {path}"
    return f"tvm-mnv3 run {path} --image FILE"
