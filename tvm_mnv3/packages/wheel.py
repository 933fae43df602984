"""A Python wheel: the model, the companion, and the module that calls them by ctypes. Needs NumPy only."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tvm_mnv3 import __version__
from tvm_mnv3.codegen.bundle import Bundle
from tvm_mnv3.codegen.library import build_shared_classifier, companion_cpu
from tvm_mnv3.packages.contents import (
    MANIFEST_NAME,
    Contents,
    labels_of,
    license_text,
    machine_of,
    package_manifest,
    read,
)

#: Neither library asks for a version of any libc; pip wants one named, and these are the oldest it knows for both.
_PLATFORMS = ("manylinux_2_17_{machine}", "musllinux_1_1_{machine}")
_FILES = Path(__file__).resolve().parent / "wheel_files"
_MODULES = ("__init__.py", "bindings.py", "classifier.py", "model.py")


def wheel_package(bundle: Bundle) -> Contents:
    """One model for one architecture; the module has the name of its prefix."""
    prefix, machine = bundle.manifest.prefix, machine_of(bundle)
    contents = {
        f"{prefix}/{bundle.manifest.library}": read(bundle, bundle.manifest.library),
        f"{prefix}/libtvm_mnv3_classifier.so": _companion(bundle, machine),
        f"{prefix}/model.json": read(bundle, "model.json"),
        f"{prefix}/py.typed": b"",
    }
    for module in _MODULES:
        source = _FILES / module
        contents[f"{prefix}/{module}"] = source.read_bytes()
    labels = labels_of(bundle)
    if labels is not None:
        contents[f"{prefix}/labels.txt"] = labels
    information = f"{prefix}-{__version__}.dist-info"
    platform = ".".join(name.format(machine=machine) for name in _PLATFORMS)
    contents[f"{information}/METADATA"] = _metadata(bundle).encode()
    contents[f"{information}/WHEEL"] = _tags(platform).encode()
    contents[f"{information}/licenses/LICENSE"] = license_text()
    contents[f"{information}/{MANIFEST_NAME}"] = package_manifest("python", [bundle], contents)
    contents[f"{information}/RECORD"] = _record(contents, f"{information}/RECORD").encode()
    return Contents(f"{prefix}-{__version__}-py3-none-{platform}.whl", contents)


def _companion(bundle: Bundle, machine: str) -> bytes:
    # What the bundle was compiled for has AVX2 if this machine has; so does its own companion.
    from tvm_mnv3.targets import load_core

    bits = load_core("host").vector_bits if machine == "x86_64" else 128
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "libtvm_mnv3_classifier.so")
        triple, cpu = bundle.manifest.target["triple"], companion_cpu(machine, bits)
        return build_shared_classifier(triple, Path(folder, "objects"), out, cpu=cpu).read_bytes()


def _metadata(bundle: Bundle) -> str:
    manifest = bundle.manifest
    return (
        "Metadata-Version: 2.4\n"
        f"Name: {manifest.prefix.replace('_', '-')}\n"
        f"Version: {__version__}\n"
        f"Summary: {manifest.name}, compiled by tvm-mnv3 for {manifest.target['core']}\n"
        "License-Expression: Apache-2.0\n"
        "License-File: LICENSE\n"
        "Requires-Python: >=3.9\n"
        "Requires-Dist: numpy\n"
    )


def _tags(platform: str) -> str:
    tags = "".join(f"Tag: py3-none-{name}\n" for name in platform.split("."))
    return f"Wheel-Version: 1.0\nGenerator: tvm-mnv3 {__version__}\nRoot-Is-Purelib: false\n{tags}"


def _record(contents: Mapping[str, bytes], own_name: str) -> str:
    """pip's own list of checksums."""

    def line(name: str, data: bytes) -> str:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        return f"{name},sha256={digest},{len(data)}\n"

    return "".join(line(name, data) for name, data in sorted(contents.items())) + f"{own_name},,\n"
