"""Where each function lies in a stripped library: what the linker's map says of its symbols."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

#: A symbol's line in lld's map: address, load address and size in hexadecimal, alignment, and the name after the
#: indentation of the last column (lld/ELF/MapFile.cpp). Lines of sections and files are indented less.
_SYMBOL = re.compile(r"^ *([0-9a-f]+) +[0-9a-f]+ +([0-9a-f]+) +\d+ {17}([^\s$].*)$", re.MULTILINE)


@dataclass(frozen=True)
class Extent:
    """Where a function's code is.

    Parameters
    ----------
    offset
        Of its first byte from the address that the library is loaded at.
    size
        In bytes.
    """

    offset: int
    size: int


def read_link_map(file: Path) -> dict[str, Extent]:
    """The extent of each symbol in a map that lld wrote (``-Map``).

    Names of different files' local symbols can be equal: then the last one counts.
    """
    found = _SYMBOL.findall(file.read_text(encoding="utf-8"))
    return {name: Extent(int(address, 16), int(size, 16)) for address, size, name in found}
