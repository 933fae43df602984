"""Hides symbols of an object file: what is no export becomes local, so that several models link into one program.

Linkers offer this for shared libraries only (version scripts); for objects it is ``objcopy --keep-global-symbols`` of
binutils, which the toolchain does not have. ELF wants the local symbols first, so the table is sorted anew and every
relocation's number with it (System V ABI, "Symbol Table" and "Relocation").
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_SYMTAB, _RELA, _GROUP = 2, 4, 17
#: LLVM's list of symbols whose address matters: optional, and its numbers are packed.
_ADDRSIG, _NULL = 0x6FFF4C03, 0
_SYMBOL = np.dtype(
    [("name", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2"), ("value", "<u8"), ("size", "<u8")]
)
_RELOCATION = np.dtype([("offset", "<u8"), ("type", "<u4"), ("symbol", "<u4"), ("addend", "<i8")])
_HEADER_SIZE = 64


@dataclass(frozen=True)
class _Section:
    """A section header: where it stands in the file, and the fields that matter here."""

    at: int
    kind: int
    offset: int
    size: int
    link: int


def localize(file: Path, keep: Sequence[str]) -> None:
    """Make every defined symbol of a relocatable 64-bit ELF file local, apart from those in `keep`, in place.

    Raises
    ------
    ValueError
        The file is no such file, or has no symbol of that name.
    """
    data = bytearray(file.read_bytes())
    if data[:6] != b"\x7fELF\x02\x01" or data[16:18] != b"\x01\x00":
        raise ValueError(f"{file.name} is not a relocatable 64-bit ELF file")
    sections = list(_sections(data))
    (table,) = (section for section in sections if section.kind == _SYMTAB)
    symbols = np.frombuffer(data, _SYMBOL, table.size // _SYMBOL.itemsize, table.offset).copy()
    names = [_name(data, sections[table.link], int(symbol["name"])) for symbol in symbols]
    defined = symbols["section"] != 0
    missing = set(keep) - {name for name, here in zip(names, defined, strict=True) if here}
    if missing:
        raise ValueError(f"{file.name} does not define {', '.join(sorted(missing))}")
    kept = np.array([name in keep for name in names])
    hidden = defined & ~kept
    symbols["info"][hidden] &= 0x0F  # binding STB_LOCAL, the type as it is
    symbols["other"][hidden] = 0
    symbols["other"][kept] = 0  # STV_DEFAULT
    is_local = symbols["info"] >> 4 == 0
    order = np.argsort(~is_local, kind="stable")
    data[table.offset : table.offset + table.size] = symbols[order].tobytes()
    struct.pack_into("<I", data, table.at + 44, int(is_local.sum()))  # sh_info: the first symbol that is not local
    _renumber(data, sections, np.argsort(order, kind="stable"))
    file.write_bytes(data)


def _sections(data: bytearray) -> Iterator[_Section]:
    (start,) = struct.unpack_from("<Q", data, 40)
    (count,) = struct.unpack_from("<H", data, 60)
    for index in range(count):
        at = start + index * _HEADER_SIZE
        kind, offset, size, link = (
            struct.unpack_from(form, data, at + field)[0]
            for form, field in (("<I", 4), ("<Q", 24), ("<Q", 32), ("<I", 40))
        )
        yield _Section(at, kind, offset, size, link)


def _name(data: bytearray, strings: _Section, index: int) -> str:
    start = strings.offset + index
    return data[start : data.index(b"\0", start)].decode()


def _renumber(data: bytearray, sections: Sequence[_Section], number: NDArray[np.intp]) -> None:
    """Give everything that refers to symbols their new numbers."""
    for section in sections:
        if section.kind == _RELA:
            count = section.size // _RELOCATION.itemsize
            relocations = np.frombuffer(data, _RELOCATION, count, section.offset).copy()
            relocations["symbol"] = number[relocations["symbol"]]
            data[section.offset : section.offset + section.size] = relocations.tobytes()
        elif section.kind == _GROUP:
            (signature,) = struct.unpack_from("<I", data, section.at + 44)
            struct.pack_into("<I", data, section.at + 44, int(number[signature]))
        elif section.kind == _ADDRSIG:
            struct.pack_into("<I", data, section.at + 4, _NULL)
