"""Names that C accepts."""

from __future__ import annotations

import re


def c_identifier(name: str) -> str:
    """The C identifier nearest to `name`, to prefix a library's functions with.

    Every run of other characters becomes one underscore; before a leading digit comes an ``m``.

    Examples
    --------
    >>> c_identifier("mobilenetv3_large_100.ra_in1k")
    'mobilenetv3_large_100_ra_in1k'
    >>> c_identifier("2024-01 my net")
    'm2024_01_my_net'
    """
    # Leading underscores are left out since C reserves such names.
    identifier = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "model"
    return f"m{identifier}" if identifier[0].isdigit() else identifier
