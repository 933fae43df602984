"""An Android library (AAR): models and JNI for 64-bit ARM, Java classes, labels as assets."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tvm_mnv3 import __version__
from tvm_mnv3.codegen.bundle import Bundle
from tvm_mnv3.errors import InputError
from tvm_mnv3.packages.contents import (
    MANIFEST_NAME,
    Contents,
    labels_of,
    license_text,
    machine_of,
    package_manifest,
    read,
)
from tvm_mnv3.packages.java import FILES, build_jni_library, classes_jar

_ABI = "arm64-v8a"
#: Its headers serve for bionic, whose own the toolchain does not have: only functions that are alike are used.
_TRIPLE = "aarch64-linux-musl"


def android_package(bundles: Sequence[Bundle]) -> Contents:
    """Any number of models for 64-bit ARM.

    Raises
    ------
    InputError
        A bundle is for another machine, or two have one prefix.
    EnvironmentProblem
        There is no JDK.
    """
    prefixes = [bundle.manifest.prefix for bundle in bundles]
    if len(set(prefixes)) < len(prefixes):
        raise InputError(f"Two bundles have the same prefix ({', '.join(prefixes)}); compile one with --prefix.")
    for bundle in bundles:
        if machine_of(bundle) != "aarch64":
            raise InputError(
                f"{bundle.path} is compiled for {machine_of(bundle)}, and an Android library here is for 64-bit ARM; "
                "compile the model with --target arm."
            )
    contents = {
        "AndroidManifest.xml": (FILES / "AndroidManifest.xml").read_bytes(),
        "proguard.txt": (FILES / "proguard.txt").read_bytes(),
        "R.txt": b"",
        "classes.jar": classes_jar(),
        "LICENSE": license_text(),
        f"jni/{_ABI}/libtvm_mnv3_jni.so": _jni_library(),
    }
    for bundle in bundles:
        prefix = bundle.manifest.prefix
        contents[f"jni/{_ABI}/{bundle.manifest.library}"] = read(bundle, bundle.manifest.library)
        contents[f"assets/tvm_mnv3/{prefix}.json"] = read(bundle, "model.json")
        labels = labels_of(bundle)
        if labels is not None:
            contents[f"assets/tvm_mnv3/{prefix}.labels.txt"] = labels
    contents[MANIFEST_NAME] = package_manifest("android", bundles, contents)
    return Contents(f"{prefixes[0]}-{__version__}.aar", contents)


def _jni_library() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "libtvm_mnv3_jni.so")
        return build_jni_library(_TRIPLE, Path(folder, "objects"), out, android=True).read_bytes()
