"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from tvm_mnv3.errors import InputError

DebugOption = Annotated[
    bool,
    typer.Option("--debug", envvar="TVM_MNV3_DEBUG", help="Show tracebacks, and the warnings of TVM and PyTorch."),
]

InputShapeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--input-shape",
        metavar="NAME=1,3,224,224",
        help="Of a model file that leaves dimensions open: an input's whole shape. Once per input.",
        show_default=False,
    ),
]


def parse_input_shapes(texts: Sequence[str] | None) -> dict[str, tuple[int, ...]]:
    """What ``--input-shape`` was given, by input name.

    Raises
    ------
    InputError
        A text is not ``NAME=1,3,224,224``, or a name comes twice.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts or ():
        name, separator, numbers = text.rpartition("=")
        parts = numbers.replace("x", ",").split(",")
        if not separator or not name or not all(part.strip().isdecimal() for part in parts):
            raise InputError(f"--input-shape {text!r} is not NAME=SHAPE, such as input=1,3,224,224.")
        if name in shapes:
            raise InputError(f"--input-shape names the input {name!r} twice.")
        shapes[name] = tuple(map(int, parts))
    return shapes
