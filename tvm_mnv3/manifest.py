"""What a bundle's manifest says of its compilation: what was asked for, what came of it, and from what."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from tvm_mnv3 import __version__
from tvm_mnv3.codegen.bundle import LABELS_FILE, KernelRecord, Manifest, sha256
from tvm_mnv3.codegen.kernels import Kernel, ScheduledModule
from tvm_mnv3.codegen.library import Library, Platform
from tvm_mnv3.codegen.steps import STEPS_FILE
from tvm_mnv3.codegen.symbols import Extent
from tvm_mnv3.frontend.imported import ImportedModel
from tvm_mnv3.options import CompileOptions
from tvm_mnv3.targets import Core
from tvm_mnv3.tuning.lookup import TunedKnobs


def manifest_of(
    options: CompileOptions,
    imported: ImportedModel,
    core: Core,
    platform: Platform,
    prefix: str,
    scheduled: ScheduledModule,
    library: Library,
    tuning: Mapping[str, object],
    folder: Path,
) -> Manifest:
    """The manifest of the bundle in `folder`, all of whose other files are written."""
    records = _kernel_records(scheduled, library)
    return Manifest(
        name=imported.name,
        prefix=prefix,
        library=library.files[0],
        header=library.files[1],
        target={"kind": platform.kind, "triple": platform.c_triple, "core": core.name},
        precision=options.precision,
        weights_storage="fp16" if options.precision == "fp16" else options.weights_storage,
        inputs=imported.inputs,
        outputs=imported.outputs,
        preprocessing=preprocessing_record(imported),
        labels=imported.labels,
        provenance=dataclasses.asdict(imported.provenance),
        versions={
            "tvm-mnv3": __version__,
            "apache-tvm": version("apache-tvm"),
            "ziglang": version("ziglang"),
        },
        options=_asked(options),
        sizes={
            "library": (folder / library.files[0]).stat().st_size,
            "weights": library.weights_bytes,
            "context": library.memory.arena_bytes,
            "multiply_adds": sum(record.uses * record.multiply_adds for record in records),
        },
        kernels=records,
        files={name: sha256(folder / name) for name in sorted(_written(imported, library))},
        tuning=tuning,
    )


def preprocessing_record(imported: ImportedModel) -> dict[str, object] | None:
    """How pixels become the network's input, None where that is not known."""
    return dataclasses.asdict(imported.preprocessing) if imported.preprocessing else None


def _written(imported: ImportedModel, library: Library) -> tuple[str, ...]:
    """Every file of the bundle but its manifest."""
    files = (*library.files, STEPS_FILE)
    return files if imported.labels is None else (*files, LABELS_FILE)


def tuning_record(logs: Sequence[Path], tuned: TunedKnobs) -> dict[str, object]:
    """What the manifest says of the knobs' logs, without this machine's folders."""
    scores = Counter(entry.trust.name.lower() for entry in tuned.entries.values())
    return {
        "logs": [log.name for log in logs],
        "scores": dict(sorted(scores.items())),
        "refused": list(tuned.refused),
    }


def _kernel_records(scheduled: ScheduledModule, library: Library) -> tuple[KernelRecord, ...]:
    """Every kernel in the order of its first use."""
    uses = Counter(step.kernel for step in library.program.steps)
    return tuple(
        _record(scheduled.kernels[lowered.name], uses[lowered.name], lowered.tasks, library.code[lowered.name])
        for lowered in library.kernels
    )


def _record(kernel: Kernel, uses: int, tasks: int, code: Extent) -> KernelRecord:
    return KernelRecord(
        symbol=kernel.symbol,
        workload=kernel.workload.name if kernel.workload else None,
        knobs=dict(kernel.knobs),
        origin=kernel.origin,
        uses=uses,
        tasks=tasks,
        multiply_adds=kernel.workload.multiply_adds if kernel.workload else 0,
        offset=code.offset,
        size=code.size,
    )


def _asked(options: CompileOptions) -> dict[str, object]:
    """The options that shape the result, without this machine's folders."""
    asked: dict[str, object] = {
        "target": options.target,
        "core": options.core,
        "weights_storage": options.weights_storage,
        "input": options.input,
        "batch": options.batch,
        "classes": options.classes,
        "input_size": options.input_size,
        "normalization": options.normalization,
        "input_shapes": {name: list(shape) for name, shape in options.input_shapes.items()},
    }
    if options.tuning_logs is not None:
        asked["tuning_logs"] = Path(options.tuning_logs).name
    if options.weights is not None:
        asked["weights"] = Path(options.weights).name
    return asked
