"""``compile``: from a model to a bundle."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from tvm_mnv3 import __version__
from tvm_mnv3.codegen.bundle import LABELS_FILE, Bundle, check_free, new_folder
from tvm_mnv3.codegen.driver import Interface
from tvm_mnv3.codegen.kernels import ScheduledModule, schedule_kernels, workload_names
from tvm_mnv3.codegen.library import Platform, build_library
from tvm_mnv3.codegen.steps import STEPS_FILE, step_table
from tvm_mnv3.compat import IRModule
from tvm_mnv3.errors import InputError
from tvm_mnv3.frontend.imported import ImportedModel
from tvm_mnv3.frontend.naming import c_identifier
from tvm_mnv3.manifest import manifest_of, preprocessing_record, tuning_record
from tvm_mnv3.options import INPUTS, PRECISIONS, TARGETS, WEIGHTS_STORAGES, CompileOptions
from tvm_mnv3.passes.convert_precision import convert_precision
from tvm_mnv3.passes.name_layers import layer_names
from tvm_mnv3.passes.pipeline import normalize
from tvm_mnv3.passes.store_weights_as_half import store_weights_as_half
from tvm_mnv3.passes.take_pixels import take_pixels
from tvm_mnv3.schedules.registry import template_for
from tvm_mnv3.source import import_source
from tvm_mnv3.targets import Core, load_core
from tvm_mnv3.tuning.lookup import find_logs, tuned_knobs

#: The stages, in order, as a progress display names them.
STAGES = ("import", "graph passes", "schedules", "library", "bundle")

_ARM = Platform("arm", llvm_triple="aarch64-linux-gnu", c_triple="aarch64-linux-gnu.2.28")
_HOSTS = {
    "aarch64": Platform("host", llvm_triple="aarch64-linux-gnu", c_triple="aarch64-linux-gnu.2.28"),
    "x86_64": Platform("host", llvm_triple="x86_64-linux-gnu", c_triple="x86_64-linux-gnu.2.28"),
}


def compile_model(options: CompileOptions, on_stage: Callable[[str], None] = lambda stage: None) -> Bundle:
    """Compile a model into a bundle.

    Parameters
    ----------
    options
        What to compile, for what, and where to.
    on_stage
        Called with each of `STAGES` as it begins.

    Raises
    ------
    InputError
        The model or an option is not usable; nothing is left behind.
    EnvironmentProblem
        Weights cannot be downloaded, or the C toolchain is missing.
    """
    core, platform = core_and_platform(options)
    if options.output is not None:
        check_free(options.output, force=options.force)
    if (
        options.dump_ir is not None
        and options.dump_ir.exists()
        and any(options.dump_ir.iterdir())
        and not options.force
    ):
        raise InputError(f"The folder {options.dump_ir} of --dump-ir is not empty; choose another, or use --force.")
    logs = find_logs(options.tuning_logs, core)
    on_stage("import")
    imported = import_asked(options)
    output = options.output or Path(_folder_name(options, imported))
    check_free(output, force=options.force)
    on_stage("graph passes")
    module = normal_form(imported, options)
    on_stage("schedules")
    tuned = tuned_knobs(logs, workload_names(module), core)
    scheduled = schedule_kernels(module, core, tuned.knobs)
    if options.dump_ir is not None:
        _dump_kernels(scheduled, options.dump_ir)
    tuning = tuning_record(logs, tuned)
    prefix = _prefix(options, imported)
    interface = Interface(
        prefix,
        imported.name,
        __version__,
        f"{options.target} ({core.name})",
        imported.inputs,
        imported.outputs,
        preprocessing=preprocessing_record(imported),
    )
    with new_folder(output, force=options.force) as folder:
        on_stage("library")
        library = build_library(scheduled, core, platform, interface, folder)
        on_stage("bundle")
        table = step_table(library, interface, layer_names(module, imported.layers))
        (folder / STEPS_FILE).write_text(table.to_json(), encoding="utf-8")
        if imported.labels is not None:
            (folder / LABELS_FILE).write_text("".join(f"{label}\n" for label in imported.labels), encoding="utf-8")
        manifest = manifest_of(options, imported, core, platform, prefix, scheduled, library, tuning, folder)
        (folder / "model.json").write_text(manifest.to_json(), encoding="utf-8")
    return Bundle(output, manifest)


def import_asked(options: CompileOptions, *, shapes_only: bool = False) -> ImportedModel:
    """The network with its own input, or with the pixels of a picture instead (see `import_source`)."""
    imported = import_source(options, shapes_only=shapes_only)
    if options.input == "tensor":
        return imported
    how = imported.preprocessing
    if how is None:
        raise InputError("--input pixels needs to know how pixels are normalized; add --normalize, as it was trained.")
    module = take_pixels(imported.module, how.mean, how.std)
    (tensor,) = imported.inputs
    batch, channels, height, width = tensor.shape
    pixels = dataclasses.replace(tensor, shape=(batch, height, width, channels), dtype="uint8")
    return dataclasses.replace(imported, module=module, inputs=(pixels,))


def normal_form(imported: ImportedModel, options: CompileOptions) -> IRModule:
    """The imported network in normal form, in the precision and with the storage of weights that were asked for."""
    module = normalize(imported.module, dump=options.dump_ir)
    if options.precision == "fp16":
        return convert_precision(module)
    if options.weights_storage == "fp16":
        return store_weights_as_half(module, lambda workload: template_for(workload) is not None)
    return module


def core_and_platform(options: CompileOptions) -> tuple[Core, Platform]:
    """What is compiled for.

    Raises
    ------
    InputError
        An option about it has no such value, or two do not go together.
    """
    if options.precision not in PRECISIONS:
        raise InputError(f"--precision {options.precision!r} is not one of {', '.join(PRECISIONS)}.")
    if options.weights_storage not in WEIGHTS_STORAGES:
        raise InputError(f"--weights-storage {options.weights_storage!r} is not one of {', '.join(WEIGHTS_STORAGES)}.")
    if options.input not in INPUTS:
        raise InputError(f"--input {options.input!r} is not one of {', '.join(INPUTS)}.")
    core, platform = _named_core_and_platform(options)
    if options.precision == "fp16" and not core.has_fp16:
        raise InputError(
            f"--precision fp16 needs a core with float16 arithmetic, which {core.name} does not have; name one with "
            "--core (cortex-a55, cortex-a76 or later; `tvm-mnv3 targets` lists them)."
        )
    return core, platform


def _named_core_and_platform(options: CompileOptions) -> tuple[Core, Platform]:
    if options.target not in TARGETS:
        raise InputError(f"--target {options.target!r} is not one of {', '.join(TARGETS)}.")
    if options.target == "arm":
        core = load_core(options.core or "armv8-a")
        if core.isa != "aarch64":
            raise InputError(f"--core {options.core} is no ARM core; `tvm-mnv3 targets` lists them.")
        return core, _ARM
    if options.core is not None:
        raise InputError("--core goes with --target arm; for this machine the core is found by itself.")
    core = load_core("host")
    return core, _HOSTS[core.isa]


def _folder_name(options: CompileOptions, imported: ImportedModel) -> str:
    widened = options.precision == "fp32" and options.weights_storage == "fp16"
    return f"{imported.name}_{options.target}_{options.precision}{'w16' if widened else ''}"


def _prefix(options: CompileOptions, imported: ImportedModel) -> str:
    if options.prefix is None:
        return imported.name
    if c_identifier(options.prefix) != options.prefix:
        raise InputError(
            f"--prefix {options.prefix!r} cannot begin the name of a C function; use letters, digits and _."
        )
    return options.prefix


def _dump_kernels(scheduled: ScheduledModule, folder: Path) -> None:
    """The scheduled kernels as TVMScript, one file each."""
    kernels = folder / "05_scheduled"
    kernels.mkdir(parents=True, exist_ok=True)
    for kernel in scheduled.kernels.values():
        text = f"# knobs ({kernel.origin}): {dict(kernel.knobs)}\n{kernel.function.script()}\n"
        (kernels / f"{kernel.symbol}.py").write_text(text, encoding="utf-8")
