"""The instructions of a library, by the offset that they are loaded at."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

_LOAD, _EXECUTABLE = 1, 1


@dataclass(frozen=True)
class Code:
    """The executable segment of a library.

    Parameters
    ----------
    offset
        Of its first byte from the address that the library is loaded at.
    data
        Its bytes.
    """

    offset: int
    data: bytes

    def __contains__(self, offset: int) -> bool:
        return self.offset <= offset < self.offset + len(self.data)

    def words(self, offset: int, count: int) -> tuple[int, ...]:
        """`count` instructions from `offset` on."""
        return struct.unpack_from(f"<{count}I", self.data, offset - self.offset)


def read_code(library: Path) -> Code:
    """The code of a 64-bit little-endian ELF library with one executable segment, as lld makes it.

    Raises
    ------
    ValueError
        It is not such a file.
    """
    data = library.read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":
        raise ValueError(f"{library.name} is not a 64-bit ELF file")
    (headers_at,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    # Of each: type, flags, offset in the file, address, physical address, size in the file, size in memory, alignment.
    segments = [struct.unpack_from("<IIQQQQQQ", data, headers_at + i * size) for i in range(count)]
    (code,) = (s for s in segments if s[0] == _LOAD and s[1] & _EXECUTABLE)
    return Code(code[3], data[code[2] : code[2] + code[5]])
