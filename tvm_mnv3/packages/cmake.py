"""A CMake package: a relocatable folder that ``find_package`` finds, one architecture beside the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import Template

from tvm_mnv3 import __version__
from tvm_mnv3.codegen.bundle import Bundle
from tvm_mnv3.codegen.library import CLASSIFIER_ARCHIVE
from tvm_mnv3.errors import InputError
from tvm_mnv3.packages.contents import (
    MANIFEST_NAME,
    PUBLIC_HEADERS,
    Contents,
    labels_of,
    license_text,
    machine_of,
    package_manifest,
    read,
)

_FILES = Path(__file__).resolve().parent / "cmake_files"


def cmake_package(bundles: Sequence[Bundle]) -> Contents:
    """One model for several architectures.

    Raises
    ------
    InputError
        The bundles are of different prefixes, or two are for one architecture.
    """
    prefixes = sorted({bundle.manifest.prefix for bundle in bundles})
    machines = [machine_of(bundle) for bundle in bundles]
    if len(prefixes) > 1:
        raise InputError(f"A CMake package has one model, not {', '.join(prefixes)}; make a package for each.")
    if len(set(machines)) < len(machines):
        raise InputError(f"Two bundles are for the same architecture ({', '.join(machines)}); leave one out.")
    (prefix,) = prefixes
    contents = {f"share/{prefix}/LICENSE": license_text()}
    for bundle, machine in zip(bundles, machines, strict=True):
        for name in (bundle.manifest.library, f"lib{prefix}.a", CLASSIFIER_ARCHIVE):
            contents[f"lib/{machine}/{name}"] = read(bundle, name)
        for name in (bundle.manifest.header, *PUBLIC_HEADERS):
            contents[f"include/{prefix}/{name}"] = read(bundle, name)
        contents[f"share/{prefix}/model-{machine}.json"] = read(bundle, "model.json")
        labels = labels_of(bundle)
        if labels is not None:
            contents[f"share/{prefix}/labels.txt"] = labels
    fields = {"prefix": prefix, "machines": ";".join(machines), "version": __version__}
    for template in ("config", "config-version"):
        text = (_FILES / f"{template}.cmake.in").read_text(encoding="utf-8")
        contents[f"lib/cmake/{prefix}/{prefix}-{template}.cmake"] = CMakeTemplate(text).substitute(fields).encode()
    contents[MANIFEST_NAME] = package_manifest("cmake", bundles, contents)
    return Contents(prefix, contents)


class CMakeTemplate(Template):
    """``@name@``: a dollar is CMake's own."""

    delimiter = "@"
    pattern = r"@(?:(?P<named>[a-z]+)@|(?P<braced>\b\B)|(?P<escaped>@)|(?P<invalid>))"  # type: ignore[assignment]
