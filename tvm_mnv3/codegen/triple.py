"""What a target triple says to the parts of the toolchain that need to know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """One instruction set in the words of each tool.

    Parameters
    ----------
    elf_machine
        ``e_machine`` of the ELF header.
    lld_emulation
        The linker's ``-m``.
    cpu_flag
        The compiler's flag that names a core.
    baseline
        The core whose instructions every machine of this kind has.
    cpu_suffix
        What to take away from (or add to) any core, in zig's spelling.
    """

    elf_machine: int
    lld_emulation: str
    cpu_flag: str
    baseline: str
    cpu_suffix: str = ""

    def compiler_flag(self, cpu: str | None) -> str:
        """The flag for LLVM's core `cpu` (``cortex-a76``), or for the baseline."""
        # To zig a "-" takes a feature away; it spells cores with "_".
        return f"{self.cpu_flag}={(cpu or self.baseline).replace('-', '_')}{self.cpu_suffix}"


_ARCHITECTURES = {
    # Outlined atomics would call __aarch64_ldadd4_acq_rel and its kin, which live in a compiler's own
    # library. Android keeps its shadow call stack in x18 (Android's ABI; clang reserves it there by default),
    # and one file serves Android and Linux.
    "aarch64": Architecture(183, "aarch64linux", "-mcpu", "generic", "-outline_atomics+reserve_x18"),
    # On x86 zig heeds -march, not -mcpu.
    "x86_64": Architecture(62, "elf_x86_64", "-march", "x86_64"),
}


def architecture(triple: str) -> Architecture:
    """The architecture of a triple such as ``aarch64-linux-musl`` or ``x86_64-linux-gnu.2.28``.

    Raises
    ------
    ValueError
        The triple's architecture is none that the project builds for.
    """
    name = triple.split("-")[0]
    if name not in _ARCHITECTURES:
        raise ValueError(f"no toolchain for {triple!r}; only for {', '.join(_ARCHITECTURES)}")
    if triple.endswith("-android"):
        # clang's driver turns outlined atomics back on for Android, whatever it is told.
        raise ValueError(f"use {name}-linux-musl for Android too: what is linked freestanding runs on both")
    return _ARCHITECTURES[name]
