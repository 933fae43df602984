"""``tvm-mnv3 tune``: better knobs for a model's kernels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tvm_mnv3.cli.options import DebugOption, InputShapeOption, parse_input_shapes
from tvm_mnv3.cli.outcome import reporting
from tvm_mnv3.options import INPUTS, PRECISIONS, TARGETS, WEIGHTS_STORAGES, CompileOptions


def tune_command(
    model: Annotated[
        str, typer.Argument(help="A name (see `tvm-mnv3 models`), or a file (.onnx, .pt2).")
    ] = "mobilenet_v3_large",
    device: Annotated[
        str | None,
        typer.Option(
            metavar="model:CORE|local|rpc://HOST:PORT/KEY|adb|emulated:CORE",
            help="What gives the scores: a model of an ARM core, this machine, devices behind a tracker, a phone.  "
            "[default: local with --target host, "
            "else the model of --core]",
        ),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="For the whole network, earlier runs' included.")] = 1000,
    target: Annotated[str, typer.Option(metavar="|".join(TARGETS), help="64-bit ARM, or this machine.")] = "arm",
    core: Annotated[
        str | None, typer.Option(help="The ARM core that is compiled for (see `tvm-mnv3 targets`).")
    ] = None,
    precision: Annotated[str, typer.Option(metavar="|".join(PRECISIONS))] = "fp32",
    weights_storage: Annotated[str, typer.Option(metavar="|".join(WEIGHTS_STORAGES))] = "fp32",
    input_kind: Annotated[
        str, typer.Option("--input", metavar="|".join(INPUTS), help="As of `compile`: it decides the first kernel.")
    ] = "tensor",
    classes: Annotated[int | None, typer.Option(min=1, help="Of a named model.  [default: 1000]")] = None,
    size: Annotated[int | None, typer.Option(help="Height and width of a named model's input.  [default: 224]")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Pictures in one run.")] = 1,
    input_shape: InputShapeOption = None,
    space: Annotated[
        str,
        typer.Option(metavar="auto|template|generated", help="Where to look; TVM's generated space is for comparison."),
    ] = "auto",
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The log to go on with.  [default: tuning_logs/CORE.jsonl]")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="WORKLOAD", help="Tune this workload alone; may be given again.")
    ] = None,
    patience: Annotated[
        int, typer.Option(min=0, help="Leave a workload after so many trials without a gain of 1 %; 0: never.")
    ] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn at random.")] = 0,
    debug: DebugOption = False,
) -> None:
    """Look for better knobs for a model's kernels; `compile` uses what the log then has. Stop it at any time."""
    with reporting(debug) as interrupts:
        from tvm_mnv3.cli.console import console, show
        from tvm_mnv3.cli.tune_progress import TuneProgress, network_sentences, result_table
        from tvm_mnv3.tune import TuneOptions, tune_model

        asked = CompileOptions(
            model=model,
            target=target,
            core=core,
            precision=precision,
            weights_storage=weights_storage,
            input=input_kind,
            classes=classes,
            input_size=size,
            batch=batch,
            input_shapes=parse_input_shapes(input_shape),
        )
        options = TuneOptions(
            asked,
            device or ("local" if target == "host" else f"model:{core or 'armv8-a'}"),
            trials,
            space,
            log,
            tuple(only or ()),
            patience,
            seed,
        )
        out = console()
        with TuneProgress(console(stderr=True), trials) as progress:
            result = tune_model(
                options, progress.start, progress.show, progress.contests, progress.network, interrupts.check
            )
        title = f"{model} on {result.device}: {result.trials} trials, {result.resumed} of them from before"
        show(out, title, result_table(result))
        for sentence in network_sentences(result):
            out.print(sentence)
        if result.emulated:
            out.print("These times are an emulator's and say nothing of a phone: compile does not use them.")
