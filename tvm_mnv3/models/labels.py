"""Names of ImageNet's classes."""

from __future__ import annotations

from pathlib import Path

#: One class name a line, in the order of the 1000 classes of ILSVRC 2012 as every published checkpoint has it.
_FILE = Path(__file__).resolve().parent / "imagenet1000.txt"


def labels_for(num_classes: int) -> tuple[str, ...] | None:
    """What the outputs of a classifier with so many classes are called, where that can be known.

    Returns
    -------
    tuple of str or None
        ImageNet's 1000 names for 1000 classes; for 1001 (Google's checkpoints) ``background`` before them; else None.
    """
    if num_classes not in (1000, 1001):
        return None
    names = tuple(_FILE.read_text(encoding="utf-8").splitlines())
    return names if num_classes == 1000 else ("background", *names)
