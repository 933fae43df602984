"""Zip files that are the same bytes for the same contents."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from tvm_mnv3.codegen.files import replacing

#: The first moment that a zip file can name.
_DATE = (1980, 1, 1, 0, 0, 0)


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """A zip file with these files, sorted by name, without dates, owners or folders."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, on every machine
            # Android maps libraries that are not compressed straight from the file.
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".so") else zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return out.getvalue()


def write_zip(file: Path, files: Mapping[str, bytes]) -> None:
    """Write such a zip file, whole or not at all."""
    with replacing(file) as unfinished:
        unfinished.write_bytes(zip_bytes(files))
