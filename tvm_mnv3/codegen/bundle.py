"""A `Bundle`: the folder that ``compile`` writes, and its manifest ``model.json``."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tvm_mnv3.errors import InputError
from tvm_mnv3.tensor_spec import TensorSpec

#: Raised when a reader of an older manifest would misread a newer one.
MANIFEST_VERSION = 1

#: The labels once more, one a line, for the app that reads them at run time.
LABELS_FILE = "labels.txt"


@dataclass(frozen=True)
class KernelRecord:
    """One kernel of a bundle.

    Parameters
    ----------
    symbol
        Its C symbol; of a template's kernel the workload's name.
    workload
        The workload's name, or None for a kernel of the fallback.
    knobs, origin
        The knobs, and where they came from: ``default``, ``log`` or ``fallback``.
    uses
        How many layers run it.
    tasks
        How many tasks a run can be cut into.
    multiply_adds
        Of one run.
    offset, size
        Of its code in the library, in bytes; the offset is from the address that the library is loaded at.
    """

    symbol: str
    workload: str | None
    knobs: Mapping[str, Any]
    origin: str
    uses: int
    tasks: int
    multiply_adds: int
    offset: int
    size: int


@dataclass(frozen=True)
class Manifest:
    """What ``model.json`` says.

    Parameters
    ----------
    prefix
        Of the library's functions.
    library, header
        File names in the bundle.
    target
        ``kind`` (``arm`` or ``host``), ``triple``, ``core``.
    precision
        Of the arithmetic: ``fp32`` or ``fp16``.
    inputs, outputs
        In the order of the library's function.
    preprocessing
        How a picture becomes the input (see `tvm_mnv3.frontend.imported.Preprocessing`), or None.
    labels
        One per class, or None.
    provenance
        Where model and weights came from (see `tvm_mnv3.frontend.imported.Provenance`).
    versions
        Of tvm-mnv3, TVM and the C toolchain.
    options
        What was asked for, apart from the output's place.
    sizes
        ``library``, ``weights`` and ``context`` in bytes, ``multiply_adds`` of one run.
    files
        SHA-256 of every other file in the bundle, by name.
    weights_storage
        ``fp32`` or ``fp16``: how the library holds the weights. With ``fp16`` beside precision ``fp32``, biases
        and some kernels' weights are still float32; a kernel's workload tells.
    tuning
        ``logs``, the names of the logs that were asked; ``scores``, how many kernels' knobs rest on which kind of score
        (``measured``, ``noisy``, ``modelled``); ``refused``, a sentence for each workload whose entries cannot be used.
    """

    name: str
    prefix: str
    library: str
    header: str
    target: Mapping[str, str]
    precision: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    preprocessing: Mapping[str, Any] | None
    labels: tuple[str, ...] | None
    provenance: Mapping[str, Any]
    versions: Mapping[str, str]
    options: Mapping[str, Any]
    sizes: Mapping[str, int]
    kernels: tuple[KernelRecord, ...]
    files: Mapping[str, str]
    weights_storage: str = "fp32"
    tuning: Mapping[str, Any] = field(default_factory=dict)
    manifest_version: int = MANIFEST_VERSION

    def to_json(self) -> str:
        """The text of ``model.json``: the same manifest gives the same bytes."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """The manifest of such a text.

        Raises
        ------
        ValueError, TypeError, KeyError
            It is not one, or one of another version.
        """
        data = json.loads(text)
        if data["manifest_version"] != MANIFEST_VERSION:
            raise ValueError(f"manifest version {data['manifest_version']}, not {MANIFEST_VERSION}")
        for key in ("inputs", "outputs"):
            data[key] = tuple(TensorSpec(t["name"], tuple(t["shape"]), t["dtype"]) for t in data[key])
        data["kernels"] = tuple(KernelRecord(**kernel) for kernel in data["kernels"])
        data["labels"] = tuple(data["labels"]) if data["labels"] is not None else None
        return cls(**data)


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk."""

    path: Path
    manifest: Manifest


def open_bundle(path: Path | str) -> Bundle:
    """Read a bundle's manifest.

    Raises
    ------
    InputError
        The folder is missing, or is no bundle of this version.
    """
    folder = Path(path)
    file = folder / "model.json"
    if not file.is_file():
        raise InputError(
            f"{folder} is not a bundle: it has no model.json. Make one with `tvm-mnv3 compile MODEL -o DIR`."
        )
    try:
        manifest = Manifest.from_json(file.read_text(encoding="utf-8"))
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{file} is not a manifest that this tvm-mnv3 can read ({error}); compile the model again."
        ) from error
    return Bundle(folder, manifest)


def verify_files(bundle: Bundle) -> None:
    """Check every file of a bundle against its manifest.

    Raises
    ------
    InputError
        A file is missing or has changed; the first such file is named.
    """
    for name, digest in bundle.manifest.files.items():
        file = bundle.path / name
        if not file.is_file():
            raise InputError(f"{bundle.path} is incomplete: {name} is missing; compile the model again.")
        if sha256(file) != digest:
            raise InputError(
                f"{file} is not the file that was compiled (its SHA-256 differs); compile the model again."
            )


def sha256(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _sha256(file)


def _sha256(file: Path) -> str:  # Python 3.10 has no file_digest
    return hashlib.sha256(file.read_bytes()).hexdigest()


@contextmanager
def new_folder(final: Path, *, force: bool) -> Iterator[Path]:
    """A folder beside `final` to write to, which takes its place when all went well, and vanishes when not.

    Raises
    ------
    InputError
        `final` exists and `force` is not set, or it is a file or no bundle, or the place cannot be written.
    """
    check_free(final, force=force)
    temporary = final.with_name(f".{final.name}.{os.getpid()}.part")
    replaced = final.with_name(f".{final.name}.{os.getpid()}.old")
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise InputError(
            f"The output folder {final} cannot be made: {error.strerror}; choose another with -o."
        ) from error
    try:
        yield temporary
        if final.exists():
            final.rename(replaced)
        temporary.rename(final)
    finally:
        if replaced.exists() and not final.exists():  # interrupted between the two renames
            replaced.rename(final)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)


def check_free(final: Path, *, force: bool) -> None:
    """Refuse to overwrite unasked, and to replace what is no bundle even when asked."""
    if not final.exists():
        return
    if not final.is_dir() or (any(final.iterdir()) and not (final / "model.json").is_file()):
        raise InputError(f"{final} exists and is not a bundle, so it is not replaced; choose another folder with -o.")
    if not force:
        raise InputError(f"The output folder {final} exists; choose another with -o, or replace it with --force.")
