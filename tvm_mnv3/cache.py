"""The folder that outlives a run: downloaded weights, the toolchain's cache, helper programs that are built once."""

from __future__ import annotations

import os
from pathlib import Path

from tvm_mnv3.errors import EnvironmentProblem

#: Names the folder.
CACHE_VARIABLE = "TVM_MNV3_CACHE"


def cache_folder() -> Path:
    """``TVM_MNV3_CACHE``, or ``tvm-mnv3`` in the user's cache folder (``XDG_CACHE_HOME``, ``~/.cache``); it exists.

    Raises
    ------
    EnvironmentProblem
        The folder cannot be made.
    """
    users = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(os.environ.get(CACHE_VARIABLE) or f"{users}/tvm-mnv3").expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentProblem(
            f"The cache folder {folder} cannot be made ({error.strerror}); "
            f"set the variable {CACHE_VARIABLE} to a folder that can be written."
        ) from error
    return folder
