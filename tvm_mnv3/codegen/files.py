"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(final: Path) -> Iterator[Path]:
    """A name beside `final` to write to: it becomes `final` when the block ends, vanishes when it fails.

    The folder is made when it is missing.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    unfinished = final.with_name(f".{final.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        yield unfinished
        unfinished.replace(final)
    finally:
        unfinished.unlink(missing_ok=True)
