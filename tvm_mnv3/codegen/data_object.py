"""Writes a file of bytes as an object file: one read-only section, one hidden symbol.

Assembling ``.incbin`` would do the same, but a build cache does not see that file change, and tens of
megabytes pass through a parser for nothing. The format is ELF64 (System V gABI, chapters 4 and 5),
little-endian.
"""

from __future__ import annotations

import struct
from pathlib import Path

from tvm_mnv3.codegen.files import replacing
from tvm_mnv3.codegen.triple import architecture

_ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")

_RELOCATABLE = 1
_PROGBITS, _SYMTAB, _STRTAB = 1, 2, 3
_ALLOC = 2
_GLOBAL_OBJECT = (1 << 4) | 1
_HIDDEN = 2


def embed_binary(data: Path | bytes, *, symbol: str, triple: str, out: Path, alignment: int = 64) -> Path:
    """An object file whose `symbol` is `data` in read-only memory.

    Parameters
    ----------
    data
        The bytes, or the file that holds them.
    symbol
        A C name, hidden. In C: ``extern const unsigned char weights[]
        __attribute__((visibility("hidden")));`` (without the attribute the compiler reaches it through the
        global offset table).
    triple
        What the object is for, as in `toolchain.compile_c`.
    alignment
        In bytes, a power of two.

    Returns
    -------
    Path
        `out`.
    """
    content = data if isinstance(data, bytes) else data.read_bytes()
    with replacing(out) as unfinished, unfinished.open("wb") as file:
        head, tail = _around(len(content), symbol, architecture(triple).elf_machine, alignment)
        file.write(head)
        file.write(content)
        file.write(tail)
    return out


def _around(size: int, symbol: str, machine: int, alignment: int) -> tuple[bytes, bytes]:
    """What stands before `size` bytes of data and after: the ELF header; symbols, names, section table."""
    strings = b"\0" + symbol.encode("ascii") + b"\0"
    symbols = bytes(_SYMBOL.size) + _SYMBOL.pack(1, _GLOBAL_OBJECT, _HIDDEN, 1, 0, size)
    names = b"\0.rodata.embedded\0.symtab\0.strtab\0.shstrtab\0.note.GNU-stack\0"

    # The data first (at the first aligned offset), then the tables, each on 8 bytes.
    data_at = _up(_ELF_HEADER.size, alignment)
    symbols_at = _up(data_at + size, 8)
    strings_at = symbols_at + len(symbols)
    names_at = strings_at + len(strings)
    sections_at = _up(names_at + len(names), 8)

    def section(name: bytes, kind: int, at: int, length: int, flags: int = 0, link: int = 0, info: int = 0,
                align: int = 1, entry: int = 0) -> bytes:  # fmt: skip
        return _SECTION_HEADER.pack(
            names.index(b"\0" + name + b"\0") + 1, kind, flags, 0, at, length, link, info, align, entry
        )

    sections = [
        bytes(_SECTION_HEADER.size),
        section(b".rodata.embedded", _PROGBITS, data_at, size, flags=_ALLOC, align=alignment),
        # info: the index of the first symbol that is not local.
        section(b".symtab", _SYMTAB, symbols_at, len(symbols), link=3, info=1, align=8, entry=_SYMBOL.size),
        section(b".strtab", _STRTAB, strings_at, len(strings)),
        section(b".shstrtab", _STRTAB, names_at, len(names)),
        # Without this note a linker may make the stack executable.
        section(b".note.GNU-stack", _PROGBITS, names_at, 0),
    ]
    header = _ELF_HEADER.pack(
        b"\x7fELF\x02\x01\x01", _RELOCATABLE, machine, 1, 0, 0, sections_at, 0,
        _ELF_HEADER.size, 0, 0, _SECTION_HEADER.size, len(sections), 4,
    )  # fmt: skip
    head = header.ljust(data_at, b"\0")
    padding = bytes(symbols_at - data_at - size)
    tables = (symbols + strings + names).ljust(sections_at - symbols_at, b"\0")
    return head, padding + tables + b"".join(sections)


def _up(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment
