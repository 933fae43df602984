"""``tvm-mnv3 validate``: is a bundle still right, and fast enough."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tvm_mnv3.cli.options import DebugOption
from tvm_mnv3.cli.outcome import reporting
from tvm_mnv3.cli.output_files import check_free, write_text
from tvm_mnv3.errors import EnvironmentProblem

if TYPE_CHECKING:
    from tvm_mnv3.validation.result import Validation

_GATE = "Gate: exit code 1 if "


def validate_command(
    bundle: Annotated[Path, typer.Argument(help="The folder that `tvm-mnv3 compile` wrote.", show_default=False)],
    images: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Pictures: with a labels.csv, in one folder per class, or without labels.",
            show_default=False,
        ),
    ],
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="What to compare with, as `compile` takes it: a name, an .onnx or a .pt2 file."
        ),
    ] = None,
    reference_weights: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Of a named reference.  [default: what the bundle says of its own]"),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="local, or emulated:CORE, which has answers and counts but no latency.  [default: as `run`]"),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A CSV: a column `file`, and `class_index` or `class_name`.")
    ] = None,
    label_offset: Annotated[
        int | None,
        typer.Option(help="Added to the labels' numbers.  [default: 1 where the bundle's class 0 is a background]"),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many pictures, evenly spread.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="How many threads work.")] = 1,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to measure the latency.")] = 3.0,
    layers: Annotated[
        bool, typer.Option("--layers", help="Compare every kernel with the reference, and name the first that departs.")
    ] = False,
    gates: Annotated[Path | None, typer.Option(metavar="FILE", help="A TOML file with a table [gates].")] = None,
    min_top1: Annotated[float | None, typer.Option(metavar="PERCENT", help=f"{_GATE}fewer pictures are right.")] = None,
    min_top5: Annotated[
        float | None, typer.Option(metavar="PERCENT", help=f"{_GATE}fewer have the right class among five.")
    ] = None,
    max_top1_drop: Annotated[
        float | None, typer.Option(metavar="POINTS", help=f"{_GATE}the reference is right more often by more.")
    ] = None,
    min_agreement: Annotated[
        float | None, typer.Option(metavar="PERCENT", help=f"{_GATE}fewer have the reference's best class.")
    ] = None,
    max_logit_error: Annotated[
        float | None,
        typer.Option(metavar="PERCENT", help=f"{_GATE}any picture's logits differ by more of their range."),
    ] = None,
    max_median_ms: Annotated[float | None, typer.Option(metavar="MS", help=f"{_GATE}the median is more.")] = None,
    max_p90_ms: Annotated[float | None, typer.Option(metavar="MS", help=f"{_GATE}1 run in 10 takes more.")] = None,
    max_p99_ms: Annotated[float | None, typer.Option(metavar="MS", help=f"{_GATE}1 run in 100 takes more.")] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page with everything, and a profile.")
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the same as data.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    debug: DebugOption = False,
) -> None:
    """Validate a bundle on a device: accuracy, agreement with a reference, latency, and gates."""
    with reporting(debug) as interrupts:
        from tvm_mnv3.cli.console import console, show, warning
        from tvm_mnv3.cli.progress import stages
        from tvm_mnv3.cli.validation_tables import validation_tables
        from tvm_mnv3.validation.gates import Gates, read_gates

        check_free({"--report": report, "--json": json}, force)
        limits = read_gates(gates) if gates is not None else Gates()
        limits = limits.overridden_by(
            Gates(
                min_top1=min_top1,
                min_top5=min_top5,
                max_top1_drop=max_top1_drop,
                min_agreement=min_agreement,
                max_logit_error=max_logit_error,
                max_median_ms=max_median_ms,
                max_p90_ms=max_p90_ms,
                max_p99_ms=max_p99_ms,
            )
        )
        with stages(console(stderr=True)) as clock:
            clock.begin("start")
            from tvm_mnv3.validate import ValidateOptions, validate

            def on_stage(stage: str) -> None:
                interrupts.check()
                clock.begin(stage)

            options = ValidateOptions(
                bundle,
                images,
                reference=reference,
                reference_weights=reference_weights,
                device=device,
                labels=labels,
                label_offset=label_offset,
                limit=limit,
                gates=limits,
                threads=threads,
                seconds=seconds,
                layers=layers,
                profile=report is not None or json is not None,
            )
            found = validate(options, on_stage)
            if json is not None:
                write_text(json, found.to_json())
            if report is not None:
                on_stage("report")
                _write_report(found, bundle, images, report)
        out = console()
        for title, table in validation_tables(found):
            show(out, title, table)
        if found.layers is not None:
            out.print(f"\nLayer by layer: {found.layers.sentence()}.", soft_wrap=True)
        for note in found.notes:
            out.print(warning(note))
        _finish(found)


def _write_report(found: Validation, bundle: Path, images: Path, file: Path) -> None:
    from tvm_mnv3.codegen.bundle import open_bundle
    from tvm_mnv3.codegen.steps import read_steps
    from tvm_mnv3.report.page import report_page

    steps, labels = read_steps(bundle).steps, open_bundle(bundle).manifest.labels
    write_text(file, report_page(found, images, steps, labels))


def _finish(found: Validation) -> None:
    """Exit with 3 where the device dropped out, with 1 where a gate failed, and say which."""
    if found.partial is not None:
        raise EnvironmentProblem(f"The measuring ended early, and what was measured is marked partial. {found.partial}")
    failed = [gate for gate in found.gates if not gate.passed]
    for gate in failed:
        typer.echo(f"Gate failed: {gate.sentence()}.", err=True)
    if failed:
        raise typer.Exit(1)
