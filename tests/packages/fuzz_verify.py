"""atheris' way into the package reader: bytes as a zip file, or as the manifest of a whole one.

    python fuzz_verify.py -max_total_time=20 CORPUS

Whatever the bytes are, `verify_package` returns or raises `InputError`; anything else ends the program.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["tvm_mnv3.packages.verify", "zipfile", "json"]):
    from tvm_mnv3.errors import InputError
    from tvm_mnv3.packages.verify import verify_package

_FOLDER = tempfile.TemporaryDirectory()
_FILE = Path(_FOLDER.name, "package.aar")


def read(data: bytes) -> None:
    """One try: the first byte says what the others are."""
    if data[:1] == b"m":
        with zipfile.ZipFile(_FILE, "w") as archive:
            archive.writestr("package.json", data[1:])
            archive.writestr("a", b"a")
    else:
        _FILE.write_bytes(data[1:])
    with suppress(InputError):
        verify_package(_FILE)


if __name__ == "__main__":
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
