"""What all kinds of packages have in common: files by name, with licence, manifest and checksums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from tvm_mnv3 import __version__
from tvm_mnv3.codegen.bundle import LABELS_FILE, Bundle
from tvm_mnv3.errors import EnvironmentProblem, InputError

#: Raised when a reader of older packages would misread a newer one.
PACKAGE_VERSION = 1
#: The manifest of a package.
MANIFEST_NAME = "package.json"

#: The headers that an app includes, beside the model's own.
PUBLIC_HEADERS = ("tvm_mnv3.h", "classifier.h", "thread_pool.h")


@dataclass(frozen=True)
class Contents:
    """A package before it is written.

    Parameters
    ----------
    name
        Of the folder or file.
    files
        Bytes by path within the package, the manifest included.
    """

    name: str
    files: Mapping[str, bytes]


def package_manifest(kind: str, bundles: Sequence[Bundle], files: Mapping[str, bytes]) -> bytes:
    """The text of ``package.json``: what is inside, where it came from, and a SHA-256 of every file."""
    models = [
        {
            "name": bundle.manifest.name,
            "prefix": bundle.manifest.prefix,
            "target": dict(bundle.manifest.target),
            "provenance": dict(bundle.manifest.provenance),
            "sizes": dict(bundle.manifest.sizes),
            "versions": dict(bundle.manifest.versions),
        }
        for bundle in bundles
    ]
    manifest = {
        "package_version": PACKAGE_VERSION,
        "kind": kind,
        "made_by": f"tvm-mnv3 {__version__}",
        "licenses": {"code": "Apache-2.0 (LICENSE)", "weights": "those of the model's source, see provenance"},
        "models": models,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    }
    return (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()


def machine_of(bundle: Bundle) -> str:
    """``aarch64`` or ``x86_64``."""
    return bundle.manifest.target["triple"].split("-")[0]


def read(bundle: Bundle, name: str) -> bytes:
    """A file of a bundle.

    Raises
    ------
    InputError
        The bundle does not have it, for an older tvm-mnv3 made it.
    """
    try:
        return (bundle.path / name).read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{bundle.path} has no {name}: compile the model again with this tvm-mnv3.") from error


def labels_of(bundle: Bundle) -> bytes | None:
    """The text of the labels, one a line, if the model has them."""
    return read(bundle, LABELS_FILE) if bundle.manifest.labels is not None else None


def license_text() -> bytes:
    """This project's licence, from where it is installed, or from the repository.

    Raises
    ------
    EnvironmentProblem
        It is in neither place.
    """
    try:
        files = distribution("tvm-mnv3").files or []
        places = [Path(str(file.locate())) for file in files if file.name == "LICENSE"]
    except PackageNotFoundError:
        places = []
    for place in (*places, Path(__file__).resolve().parents[2] / "LICENSE"):
        if place.is_file():
            return place.read_bytes()
    raise EnvironmentProblem("The file LICENSE of tvm-mnv3 is missing; install tvm-mnv3 again.")
