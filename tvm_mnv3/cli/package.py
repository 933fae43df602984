"""``tvm-mnv3 package`` and ``tvm-mnv3 verify``: bundles as an app's build system takes them, and their check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tvm_mnv3.cli.options import DebugOption
from tvm_mnv3.cli.outcome import reporting


def package_command(
    bundles: Annotated[
        list[Path],
        typer.Argument(
            metavar="BUNDLE...",
            help="Folders that `tvm-mnv3 compile` wrote: for cmake one model for several architectures, for android "
            "several models, for python one.",
            show_default=False,
        ),
    ],
    kind: Annotated[str, typer.Option("--for", metavar="cmake|android|python", help="What takes the package.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A folder: for cmake the package itself, else where its file goes.")
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace a package that exists.")] = False,
    debug: DebugOption = False,
) -> None:
    """Make a CMake package, an Android library (AAR) or a Python wheel of bundles."""
    with reporting(debug):
        from tvm_mnv3.package import PackageOptions, package

        _show(package(PackageOptions(bundles, kind, output, force)))


def verify_command(
    package: Annotated[Path, typer.Argument(help="A folder, .aar or .whl of `package`.", show_default=False)],
    debug: DebugOption = False,
) -> None:
    """Check a package against its manifest: every file there, unchanged, and none besides."""
    with reporting(debug):
        _show(package)


def _show(place: Path) -> None:
    """What is in a package, read back from it."""
    from tvm_mnv3.cli.console import console, facts, in_bytes, show
    from tvm_mnv3.packages.verify import verify_package

    verified = verify_package(place)
    models = [f"{model['prefix']} for {model['target']['triple']}" for model in verified.models]
    rows = [
        ("kind", verified.kind),
        *(("model", model) for model in models),
        ("files", f"{len(verified.files)}, every SHA-256 right"),
        ("size", in_bytes(verified.bytes)),
        ("package", str(place)),
    ]
    show(console(), place.name, facts(rows))
