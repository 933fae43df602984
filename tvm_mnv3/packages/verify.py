"""Checks a package against its own manifest: every file there, unchanged, and none besides."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tvm_mnv3.errors import InputError
from tvm_mnv3.packages.contents import MANIFEST_NAME, PACKAGE_VERSION

#: No manifest is longer; a zip file that says so is broken or means harm.
_LONGEST_MANIFEST = 16 * 1024 * 1024
_CHUNK = 1 << 20
#: What zipfile raises for bytes that are not what they should be.
_BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, KeyError, RuntimeError, OSError, OverflowError,
)  # fmt: skip


@dataclass(frozen=True)
class VerifiedPackage:
    """A package whose files are those that were packed.

    Parameters
    ----------
    kind
        ``cmake``, ``android`` or ``python``.
    models
        What the manifest says of each model.
    files
        SHA-256 by name.
    bytes
        Of all files.
    """

    kind: str
    models: tuple[dict[str, Any], ...]
    files: dict[str, str]
    bytes: int


class _Reader(Protocol):
    """A folder or a zip file."""

    def names(self) -> list[str]: ...

    def chunks(self, name: str) -> Iterator[bytes]: ...


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        return [file.relative_to(self._path).as_posix() for file in self._path.rglob("*") if not file.is_dir()]

    def chunks(self, name: str) -> Iterator[bytes]:
        with (self._path / name).open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def names(self) -> list[str]:
        return self._archive.namelist()

    def chunks(self, name: str) -> Iterator[bytes]:
        with self._archive.open(name) as file:
            while chunk := file.read(_CHUNK):
                yield chunk


def verify_package(path: Path | str) -> VerifiedPackage:
    """Check a folder of ``package --for cmake``, an AAR or a wheel.

    Raises
    ------
    InputError
        It is no package, a file is missing, has changed or was added; the first such file is named.
    """
    place = Path(path)
    if not place.exists():
        raise InputError(f"The package {place} does not exist.")
    with _opened(place) as reader:
        names = reader.names()
        manifest_name, manifest = _manifest(place, reader, names)
        files = manifest["files"]
        allowed = {manifest_name, manifest_name.replace(MANIFEST_NAME, "RECORD")}
        for name in (*files, *names):
            if name not in names:
                raise InputError(f"{place} is incomplete: {name} is missing; make the package again.")
            if name not in files and name not in allowed:
                raise InputError(f"{place} has a file that was not packed: {name}; make the package again.")
            if names.count(name) > 1:
                raise InputError(f"{place} has the file {name} twice; make the package again.")
        total = sum(_check(place, reader, name, digest) for name, digest in files.items())
        return VerifiedPackage(manifest["kind"], tuple(manifest["models"]), dict(files), total)


@contextmanager
def _opened(place: Path) -> Iterator[_Reader]:
    """What can be read of it; every way in which a broken zip file fails becomes one sentence."""
    if place.is_dir():
        yield _Folder(place)
        return
    try:
        with zipfile.ZipFile(place) as archive:
            yield _Zip(archive)
    except InputError:
        raise
    except _BROKEN_ZIP as error:
        raise InputError(f"{place} is no package that can be read ({error}); make it again.") from error


def _manifest(place: Path, reader: _Reader, names: list[str]) -> tuple[str, dict[str, Any]]:
    """The manifest and its name: at the top, or in a wheel's ``.dist-info``."""
    found = [
        n for n in names if n == MANIFEST_NAME or (n.endswith(f".dist-info/{MANIFEST_NAME}") and n.count("/") == 1)
    ]
    if len(found) != 1:
        raise InputError(f"{place} is no package of tvm-mnv3: it has no {MANIFEST_NAME}. `tvm-mnv3 package` makes one.")
    text = b""
    for chunk in reader.chunks(found[0]):
        text += chunk
        if len(text) > _LONGEST_MANIFEST:
            raise InputError(f"{place} has a {found[0]} that is too long to be one; make the package again.")
    try:
        manifest = json.loads(text)
        _check_form(manifest)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{place}: {found[0]} is no manifest that can be read ({error}); make it again.") from error
    return found[0], manifest


def _check_form(manifest: Any) -> None:
    if manifest["package_version"] != PACKAGE_VERSION:
        raise ValueError(f"package version {manifest['package_version']}, not {PACKAGE_VERSION}")
    if not isinstance(manifest["files"], dict):
        raise TypeError("its files are no table")
    if not all(isinstance(n, str) and isinstance(digest, str) for n, digest in manifest["files"].items()):
        raise TypeError("its files are not names and checksums")
    if not isinstance(manifest["kind"], str) or not all(isinstance(model, dict) for model in manifest["models"]):
        raise TypeError("its kind or models are not what they should be")


def _check(place: Path, reader: _Reader, name: str, wanted: str) -> int:
    """The bytes of a file, whose checksum is right."""
    digest, size = hashlib.sha256(), 0
    for chunk in reader.chunks(name):
        digest.update(chunk)
        size += len(chunk)
    if digest.hexdigest() != wanted:
        raise InputError(f"{place}: {name} is not the file that was packed (its SHA-256 differs); make it again.")
    return size
