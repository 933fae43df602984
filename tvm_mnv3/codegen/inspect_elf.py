"""What a shared library says about itself: read from its ELF headers, without a tool of the machine's."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

_LOAD, _DYNAMIC = 1, 2
_NEEDED, _HASH, _STRTAB, _SYMTAB, _SONAME = 1, 4, 5, 6, 14
_MACHINES = {62: "x86_64", 183: "aarch64"}


@dataclass(frozen=True)
class SharedLibrary:
    """The facts that decide where a library loads.

    Parameters
    ----------
    machine
        ``aarch64``, ``x86_64``, or ``machine N`` for another ``e_machine``.
    soname
        The name it gives itself, or None.
    needed
        The libraries that it needs.
    exports
        The symbols that it defines for others, sorted.
    undefined
        The symbols that others must define, sorted.
    segment_alignment
        The smallest alignment of a loaded segment, in bytes.
    """

    machine: str
    soname: str | None
    needed: tuple[str, ...]
    exports: tuple[str, ...]
    undefined: tuple[str, ...]
    segment_alignment: int


def inspect_shared_library(path: Path) -> SharedLibrary:
    """Read a 64-bit little-endian ELF shared library that has the old hash table (``link_shared`` writes
    both).

    Raises
    ------
    ValueError
        The file is none, or it ends before its tables do.
    """
    data = path.read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":
        raise ValueError(f"{path.name} is not a 64-bit ELF file")
    try:
        return _read(data)
    except (struct.error, KeyError, IndexError, ValueError) as error:
        raise ValueError(f"{path.name} is not a whole ELF shared library") from error


def _read(data: bytes) -> SharedLibrary:
    kind, machine = struct.unpack_from("<HH", data, 16)
    (headers_at,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    if kind != 3:
        raise ValueError("not a shared object")
    # Of each: type, flags, offset, address, physical address, size in the file, size in memory, alignment.
    segments = [struct.unpack_from("<IIQQQQQQ", data, headers_at + i * size) for i in range(count)]
    loads = [segment for segment in segments if segment[0] == _LOAD]
    if any(offset + in_file > len(data) for _, _, offset, _, _, in_file, _, _ in loads):
        raise ValueError("truncated")

    def offset_of(address: int) -> int:
        for _, _, offset, start, _, in_file, _, _ in loads:
            if start <= address < start + in_file:
                return int(address - start + offset)
        raise ValueError("an address outside the file")

    (dynamic,) = (segment for segment in segments if segment[0] == _DYNAMIC)
    entries = list(struct.iter_unpack("<QQ", data[dynamic[2] : dynamic[2] + dynamic[5]]))
    first = dict(reversed(entries))
    strings = offset_of(first[_STRTAB])

    def text(index: int) -> str:
        return data[strings + index : data.index(b"\0", strings + index)].decode()

    # The old hash table's second word is the number of symbols.
    (symbol_count,) = struct.unpack_from("<I", data, offset_of(first[_HASH]) + 4)
    symbols_at = offset_of(first[_SYMTAB])
    # Of each: name, info, other, section, value, size. The first is empty; section 0 means undefined.
    symbols = [struct.unpack_from("<IBBHQQ", data, symbols_at + 24 * i) for i in range(1, symbol_count)]
    return SharedLibrary(
        machine=_MACHINES.get(machine, f"machine {machine}"),
        soname=text(first[_SONAME]) if _SONAME in first else None,
        needed=tuple(text(value) for tag, value in entries if tag == _NEEDED),
        exports=tuple(sorted(text(symbol[0]) for symbol in symbols if symbol[3])),
        undefined=tuple(sorted(text(symbol[0]) for symbol in symbols if not symbol[3])),
        segment_alignment=min(segment[7] for segment in loads),
    )
