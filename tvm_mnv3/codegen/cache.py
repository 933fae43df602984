"""The folder that outlives a run: the toolchain's cache, and helper programs that are built once."""

from __future__ import annotations

import os
from pathlib import Path

from tvm_mnv3.errors import EnvironmentProblem


def cache_folder() -> Path:
    """Where helpers and the compiler's cache live: ``TVM_MNV3_CACHE``, or ``~/.cache/tvm-mnv3``; it exists.

    Raises
    ------
    EnvironmentProblem
        The folder cannot be made.
    """
    folder = Path(os.environ.get("TVM_MNV3_CACHE") or Path.home() / ".cache" / "tvm-mnv3").absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentProblem(
            f"The cache folder {folder} cannot be made ({error.strerror}); "
            "set the variable TVM_MNV3_CACHE to a folder that can be written."
        ) from error
    return folder
