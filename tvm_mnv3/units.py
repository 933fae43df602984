"""Numbers as people read them."""

from __future__ import annotations

from collections.abc import Sequence


def in_bytes(count: int) -> str:
    """``10.6 MB``: decimal units."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


def in_millions(count: int) -> str:
    """``216.6 M``; small counts are written out."""
    return f"{count / 1e6:.1f} M" if count >= 100_000 else f"{count:,}"


def shape_text(shape: Sequence[int]) -> str:
    """``1x3x224x224``."""
    return "x".join(map(str, shape)) or "scalar"
