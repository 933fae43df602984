"""``tvm-mnv3 compile``: from a model to a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tvm_mnv3.cli.options import DebugOption, InputShapeOption, parse_input_shapes
from tvm_mnv3.cli.outcome import reporting
from tvm_mnv3.options import INPUTS, NORMALIZATIONS, PRECISIONS, TARGETS, WEIGHTS_STORAGES, CompileOptions

_DEFAULTS = CompileOptions()


def compile_command(
    model: Annotated[
        str, typer.Argument(help="A name (see `tvm-mnv3 models`), or a file (.onnx, .pt2).")
    ] = "mobilenet_v3_large",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The bundle's folder.  [default: MODEL_TARGET_PRECISION]")
    ] = None,
    target: Annotated[
        str, typer.Option(metavar="|".join(TARGETS), help="64-bit ARM (Android and Linux), or this machine.")
    ] = _DEFAULTS.target,
    core: Annotated[
        str | None,
        typer.Option(
            help="The ARM core to schedule for, whose instructions may be used (see `tvm-mnv3 targets`).  "
            "[default: armv8-a instructions, scheduled for a cortex-a76]"
        ),
    ] = None,
    precision: Annotated[
        str,
        typer.Option(metavar="|".join(PRECISIONS), help="fp16 needs a core with that arithmetic, such as cortex-a76."),
    ] = _DEFAULTS.precision,
    weights_storage: Annotated[
        str,
        typer.Option(
            metavar="|".join(WEIGHTS_STORAGES),
            help="fp16 halves the file of float32 arithmetic; each weight is rounded by at most 1 in 2048.",
        ),
    ] = _DEFAULTS.weights_storage,
    input_kind: Annotated[
        str,
        typer.Option(
            "--input",
            metavar="|".join(INPUTS),
            help="pixels: the library takes 8-bit RGB, H x W x 3, and normalizes it itself.",
        ),
    ] = _DEFAULTS.input,
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="pretrained|random|FILE",
            help="Of a named model; a file is .pt, .pth or .safetensors.  [default: pretrained, or random where those "
            "cannot be had]",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of random weights.")] = _DEFAULTS.seed,
    classes: Annotated[int | None, typer.Option(min=1, help="Of a named model.  [default: 1000]")] = None,
    size: Annotated[
        int | None, typer.Option(help="Height and width of a named model's input, a multiple of 32.  [default: 224]")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Pictures in one run.")] = _DEFAULTS.batch,
    input_shape: InputShapeOption = None,
    normalize: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(NORMALIZATIONS), help="Of a model file: how its pixels were normalized in training."
        ),
    ] = None,
    prefix: Annotated[
        str | None, typer.Option(help="Of the library's C functions.  [default: the model's name]")
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="A text file, one label a line.  [default: ImageNet's where there are 1000 or 1001 classes]"),
    ] = None,
    tuning_logs: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|DIR|none",
            help="Where knobs come from.  [default: ./tuning_logs, then the logs that tvm-mnv3 brings]",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a bundle that exists.")] = False,
    dump_ir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the IR after each phase into this folder.")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Compile a model into a bundle: a freestanding shared library, its header, and what is known about it."""
    with reporting(debug) as interrupts:
        from tvm_mnv3.cli.bundle_tables import closing_table, title
        from tvm_mnv3.cli.console import console, show, warning
        from tvm_mnv3.cli.progress import stages

        options = CompileOptions(
            model=model,
            output=output,
            target=target,
            core=core,
            precision=precision,
            weights_storage=weights_storage,
            input=input_kind,
            weights=weights,
            seed=seed,
            classes=classes,
            input_size=size,
            batch=batch,
            input_shapes=parse_input_shapes(input_shape),
            normalization=normalize,
            prefix=prefix,
            labels=labels,
            tuning_logs=tuning_logs,
            force=force,
            dump_ir=dump_ir,
        )
        with stages(console(stderr=True)) as clock:
            clock.begin("start")
            # Seconds by itself: it brings TVM.
            from tvm_mnv3.compile import compile_model

            def on_stage(stage: str) -> None:
                interrupts.check()
                clock.begin(stage)

            bundle = compile_model(options, on_stage)
        out = console()
        if note := bundle.manifest.provenance.get("note"):
            out.print(warning(note))
        if refused := bundle.manifest.tuning.get("refused"):
            out.print(warning("\n".join(refused)))
        show(out, f"{title(bundle.manifest)}, compiled in {clock.seconds:.1f} s", closing_table(bundle))
