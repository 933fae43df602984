"""Files that a command writes beside what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tvm_mnv3.errors import InputError


def check_free(files: Mapping[str, Path | None], force: bool) -> None:
    """Refuse, before minutes of work, to overwrite a file unasked.

    Parameters
    ----------
    files
        By the option that names each; None was not asked for.

    Raises
    ------
    InputError
        Names the file that exists.
    """
    for option, file in files.items():
        if file is None:
            continue
        if file.is_dir():
            raise InputError(f"{option} {file} is a folder; name a file in it.")
        if file.exists() and not force:
            raise InputError(f"{option} {file} exists; choose another file, or use --force.")


def write_text(file: Path, text: str) -> None:
    """Write a whole file, or none."""
    from tvm_mnv3.codegen.files import replacing

    with replacing(file) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
