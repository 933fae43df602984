"""The caches that are simulated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tvm_mnv3.errors import InputError

LINE_BYTES = 64
#: As MOST_LEVELS of native/counter.c.
MOST_LEVELS = 4

_UNITS = {"K": 1024, "M": 1024 * 1024}
_LEVEL = re.compile(r"(\d+)([KM])/(\d+)")


@dataclass(frozen=True)
class Cache:
    """One level of data cache: lines of `LINE_BYTES`, LRU.

    Parameters
    ----------
    size
        In bytes.
    ways
        Lines of one set.
    """

    size: int
    ways: int

    def __str__(self) -> str:
        """As the option takes it: ``512K/8``."""
        unit = "M" if self.size and self.size % _UNITS["M"] == 0 else "K"
        return f"{self.size // _UNITS[unit]}{unit}/{self.ways}"


#: L1, L2 and L3 of a Cortex-A76 in a phone (Snapdragon 855: 64 KiB, 512 KiB, 2 MiB shared). The same for every core, so
#: that all figures compare with each other.
DEFAULT_CACHES = (Cache(64 * 1024, 4), Cache(512 * 1024, 8), Cache(2 * 1024 * 1024, 16))


def parse_caches(text: str) -> tuple[Cache, ...]:
    """What ``--cache-sizes`` was given: size and ways of each level, such as ``64K/4,512K/8,2M/16``.

    Raises
    ------
    InputError
        It is not of that form, or no such cache can be: size must be a multiple of 64 bytes times the ways.
    """
    caches = []
    for level in text.split(","):
        match = _LEVEL.fullmatch(level.strip().upper())
        if match is None:
            raise InputError(f"--cache-sizes {text!r} is not size and ways of each level, such as 64K/4,512K/8,2M/16.")
        caches.append(Cache(int(match[1]) * _UNITS[match[2]], int(match[3])))
    for cache in caches:
        if cache.ways == 0 or cache.size == 0 or cache.size % (cache.ways * LINE_BYTES):
            raise InputError(f"--cache-sizes: {cache} cannot be: its sets of {cache.ways} lines do not fill it.")
    if len(caches) > MOST_LEVELS:
        raise InputError(f"--cache-sizes names {len(caches)} levels; {MOST_LEVELS} can be simulated.")
    return tuple(caches)


def plugin_argument(caches: Sequence[Cache]) -> str:
    """The same for the plugin: bytes and ways of each level."""
    return ":".join(f"{cache.size}:{cache.ways}" for cache in caches)
