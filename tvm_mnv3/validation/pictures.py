"""The pictures to validate on, and their classes: a table of labels, folders named by class, or neither."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tvm_mnv3.errors import InputError
from tvm_mnv3.validation.classes import Classes
from tvm_mnv3.validation.label_table import TABLE_NAME, read_table

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".ppm")


@dataclass(frozen=True)
class Picture:
    """A picture to validate on.

    Parameters
    ----------
    name
        Its path below the folder that was given, with slashes.
    file
        Where it lies.
    label
        The bundle's class that is right, or None.
    """

    name: str
    file: Path
    label: int | None


@dataclass(frozen=True)
class PictureSet:
    """Pictures, and what their labels were read from: a table's name, ``folders``, or None."""

    pictures: tuple[Picture, ...]
    labelled_by: str | None


def find_pictures(folder: Path, classes: Classes, table: Path | None = None, limit: int | None = None) -> PictureSet:
    """The pictures of a folder.

    Labels come from `table`, else from a ``labels.csv`` in the folder, else from the names of sub-folders (the whole
    ImageNet style: one folder per class); pictures that lie in the folder itself have none.

    Parameters
    ----------
    classes
        What the bundle's classes are called.
    limit
        At most so many pictures, evenly spread over all of them in order.

    Raises
    ------
    InputError
        There are no pictures, or their labels do not match the classes.
    """
    if not folder.is_dir():
        raise InputError(f"--images {folder}: there is no such folder.")
    own_table = folder / TABLE_NAME
    if table is not None or own_table.is_file():
        used = table if table is not None else own_table
        rows = read_table(used)
        found = PictureSet(tuple(Picture(r.file, folder / r.file, r.class_of(classes, used)) for r in rows), used.name)
    else:
        found = _by_folders(folder, classes)
    if not found.pictures:
        raise InputError(f"--images {folder} holds no pictures ({', '.join(SUFFIXES[:4])}, ...).")
    return PictureSet(_spread(found.pictures, limit), found.labelled_by)


def _by_folders(folder: Path, classes: Classes) -> PictureSet:
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and _pictures_in(path))
    if not folders:
        return PictureSet(tuple(Picture(file.name, file, None) for file in _pictures_in(folder)), None)
    label_of = _folder_classes([path.name for path in folders], folder, classes)
    pictures = [
        Picture(f"{path.name}/{file.name}", file, label_of(path.name))
        for path in folders
        for file in _pictures_in(path)
    ]
    return PictureSet(tuple(pictures), "folders")


def _folder_classes(names: Sequence[str], folder: Path, classes: Classes) -> Callable[[str], int]:
    """Folders are named by number or label; those of other names count in alphabetical order, if none is missing."""
    if all(classes.knows(name) for name in names):
        return lambda name: classes.index(name, f"the folder {folder / name}")
    if len(names) != classes.count_without_background:
        unknown = next(name for name in names if not classes.knows(name))
        raise InputError(
            f"--images {folder}: the folder {unknown!r} is no class of the bundle, and its {len(names)} folders are "
            f"not one for each of the {classes.count_without_background} classes. Name them by label or by number, or "
            "give a table with --labels."
        )
    return lambda name: classes.shifted(names.index(name))


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())


def _spread(pictures: tuple[Picture, ...], limit: int | None) -> tuple[Picture, ...]:
    if limit is None or limit >= len(pictures):
        return pictures
    return tuple(pictures[index * len(pictures) // limit] for index in range(limit))
