"""A table of labels: a CSV with a column for the file and one for its class."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from tvm_mnv3.errors import InputError
from tvm_mnv3.validation.classes import Classes

#: The table that is read unasked.
TABLE_NAME = "labels.csv"

_FILE_COLUMNS = ("file", "filename", "path", "image")
#: The first of these that there is counts: numbers before names, for names may occur twice.
_CLASS_COLUMNS = ("class_index", "index", "label", "class", "class_name", "name")


@dataclass(frozen=True)
class Row:
    """A picture's path from the folder of pictures, its class as written, and the line of the table."""

    file: str
    label: str
    line: int

    def class_of(self, classes: Classes, table: Path) -> int:
        """The bundle's class."""
        return classes.index(self.label, f"{table.name}, line {self.line}")


def read_table(file: Path) -> tuple[Row, ...]:
    """The rows of a table.

    Raises
    ------
    InputError
        It cannot be read, or lacks a column.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            file_column = _column(reader.fieldnames, _FILE_COLUMNS, file)
            class_column = _column(reader.fieldnames, _CLASS_COLUMNS, file)
            rows = [(reader.line_num, row[file_column], row[class_column]) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"The table of labels {file} cannot be read ({error}).") from error
    for line, name, label in rows:
        if not name or not label:
            raise InputError(f"{file.name}, line {line}: the file or its class is missing.")
    return tuple(Row(name.strip(), label.strip(), line) for line, name, label in rows)


def _column(names: object, wanted: tuple[str, ...], file: Path) -> str:
    present = [name for name in names if isinstance(name, str)] if isinstance(names, (list, tuple)) else []
    for name in wanted:
        if name in present:
            return name
    raise InputError(
        f"The table of labels {file} has no column {' or '.join(wanted)}; its first line names "
        f"{', '.join(present) or 'none'}."
    )
