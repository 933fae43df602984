"""``package``: bundles as an app's build system takes them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tvm_mnv3.codegen.bundle import Bundle, open_bundle, verify_files
from tvm_mnv3.errors import InputError
from tvm_mnv3.packages.android import android_package
from tvm_mnv3.packages.cmake import cmake_package
from tvm_mnv3.packages.contents import Contents
from tvm_mnv3.packages.verify import VerifiedPackage, verify_package
from tvm_mnv3.packages.wheel import wheel_package
from tvm_mnv3.packages.zips import write_zip

__all__ = ["KINDS", "PackageOptions", "VerifiedPackage", "package", "verify_package"]

#: What a package can be for.
KINDS = ("cmake", "android", "python")


@dataclass(frozen=True)
class PackageOptions:
    """What to package, for whom, and where to.

    Parameters
    ----------
    bundles
        Folders of ``compile``. For ``cmake`` one model for several architectures, for ``android`` several models, for
        ``python`` one.
    kind
        One of `KINDS`.
    output
        A folder. For ``cmake`` it becomes the package; the others put one file into it.
    force
        Replace a package that exists.
    """

    bundles: Sequence[Path]
    kind: str
    output: Path
    force: bool = False


def package(options: PackageOptions) -> Path:
    """Make a package, and return the path of its folder or file.

    Raises
    ------
    InputError
        A bundle or an option is not usable, or the package exists already.
    EnvironmentProblem
        A tool is missing; for Android that is a JDK.
    """
    if options.kind not in KINDS:
        raise InputError(f"--for {options.kind!r} is not one of {', '.join(KINDS)}.")
    bundles = [open_bundle(folder) for folder in options.bundles]
    for bundle in bundles:
        verify_files(bundle)
    contents = _contents(options.kind, bundles)
    place = options.output if options.kind == "cmake" else options.output / contents.name
    _make_room(place, force=options.force)
    if options.kind == "cmake":
        _write_folder(place, contents)
    else:
        write_zip(place, contents.files)
    return place


def _contents(kind: str, bundles: Sequence[Bundle]) -> Contents:
    if not bundles:
        raise InputError("There is no bundle to package; name the folder that `tvm-mnv3 compile` wrote.")
    if kind == "cmake":
        return cmake_package(bundles)
    if kind == "android":
        return android_package(bundles)
    if len(bundles) > 1:
        raise InputError("A wheel has one bundle; make one wheel for each.")
    return wheel_package(bundles[0])


def _make_room(place: Path, *, force: bool) -> None:
    """Refuse to overwrite unasked, and to remove what is no package even when asked."""
    if not place.exists():
        return
    if not force:
        raise InputError(f"{place} exists; choose another folder with -o, or replace it with --force.")
    if place.is_dir() and any(place.iterdir()):
        verify_package(place)
        shutil.rmtree(place)


def _write_folder(place: Path, contents: Contents) -> None:
    """Written beside its final name and renamed, so that nothing half-written is ever found."""
    unfinished = place.with_name(f".{place.name}.part")
    try:
        for name, data in contents.files.items():
            (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
            (unfinished / name).write_bytes(data)
        if place.is_dir():
            place.rmdir()
        unfinished.rename(place)
    except OSError as error:
        raise InputError(
            f"The package {place} cannot be written ({error.strerror}); choose another with -o."
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
