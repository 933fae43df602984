"""The machine this runs on, described as a `Core`."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .core import Core

#: LLVM's x86 features that decide which vector instructions may be used.
_X86_VECTOR_PREFIXES = ("avx", "fma", "f16c")
#: CPUs, by LLVM's names, that execute 512 bits as two halves: "Software Optimization Guide for the AMD Zen4
#: Microarchitecture" (57647).
_HALF_WIDE = ("znver4",)
#: Bytes per letter in sysfs's cache sizes.
_SIZE_UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3}


@dataclass(frozen=True)
class VectorUnit:
    """Width (bits) and number of the vector registers that kernels use."""

    bits: int
    registers: int


def host_core() -> Core:
    """This machine: LLVM's name for its CPU, its vector registers and its caches.

    Multiply-adds per cycle and their latency cannot be asked: two and four, right for x86 servers and laptops
    since 2013 and for the big ARM cores; but one where 512 bits go in two halves.
    """
    # TVM takes a second to import, and only this function of the room needs it.
    from tvm_mnv3.compat import Target, tvm

    llvm_cpu = str(tvm.target.codegen.llvm_get_system_cpu())
    cpu_info = _cpu_info()
    isa = "aarch64" if platform.machine().lower() in ("aarch64", "arm64") else "x86_64"
    promised = frozenset(map(str, tvm.target.codegen.llvm_get_cpu_features(Target({"kind": "llvm", "mcpu": llvm_cpu}))))
    flags = frozenset(cpu_info.get("flags", "").split())
    hidden = hidden_features(promised, flags) if isa == "x86_64" else frozenset()
    features = promised - hidden
    unit = vector_unit(isa, features)
    caches = cache_bytes(Path("/sys/devices/system/cpu/cpu0/cache"))
    return Core(
        name="host",
        isa=isa,
        llvm_cpu=llvm_cpu,
        llvm_attributes=tuple(f"-{feature}" for feature in sorted(hidden)),
        vector_bits=unit.bits,
        vector_registers=unit.registers,
        multiply_adds_per_cycle=1 if unit.bits == 512 and llvm_cpu in _HALF_WIDE else 2,
        multiply_add_latency=4,
        in_order=False,
        l1_data_bytes=caches.get(1, 32 * 1024),
        l2_bytes=caches.get(2, 256 * 1024),
        l3_bytes=caches.get(3, 0),
        clock_hz=_clock_hz(cpu_info),
        has_fp16=bool(features & {"fullfp16", "avx512fp16"}),
        has_dotprod=bool(features & {"dotprod", "avx512vnni", "avxvnni"}),
        has_i8mm="i8mm" in features,
        description=f"This machine ({cpu_info.get('model name', llvm_cpu)})",
    )


def hidden_features(promised: frozenset[str], flags: frozenset[str]) -> frozenset[str]:
    """x86 vector features that LLVM's CPU model promises, but the kernel does not show.

    A virtual machine may mask instructions of the CPU whose name it reports; using them would end in SIGILL.

    Parameters
    ----------
    promised
        LLVM's features of the CPU (``avx512vnni``).
    flags
        ``flags`` of /proc/cpuinfo (``avx512_vnni``); when empty, nothing is known and nothing is hidden.
    """
    if not flags:
        return frozenset()
    shown = {flag.replace("_", "") for flag in flags}
    vector = {feature for feature in promised if feature.startswith(_X86_VECTOR_PREFIXES)}
    return frozenset(feature for feature in vector if feature.replace("-", "").replace("_", "") not in shown)


def vector_unit(isa: str, features: frozenset[str]) -> VectorUnit:
    """The widest vector registers whose multiply-add the features allow."""
    if isa == "aarch64":
        return VectorUnit(bits=128, registers=32)
    if {"avx512f", "avx512dq"} <= features:
        return VectorUnit(bits=512, registers=32)
    if {"avx2", "fma"} <= features:
        return VectorUnit(bits=256, registers=16)
    return VectorUnit(bits=128, registers=16)


def cache_bytes(folder: Path) -> dict[int, int]:
    """Bytes of the data (or unified) cache of each level, read from a folder like sysfs's ``cpu0/cache``.

    Levels that are absent or unreadable are left out.
    """
    sizes: dict[int, int] = {}
    for index in sorted(folder.glob("index*")):
        try:
            level, kind, size = ((index / part).read_text().strip() for part in ("level", "type", "size"))
            if kind in ("Data", "Unified"):
                sizes[int(level)] = int(size.rstrip("KMG")) * _SIZE_UNITS.get(size[-1:], 1)
        except (OSError, ValueError):
            continue
    return sizes


def _cpu_info() -> Mapping[str, str]:
    """The first processor's lines of /proc/cpuinfo; empty where there is no such file."""
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _clock_hz(cpu_info: Mapping[str, str]) -> float:
    try:
        return float(Path("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq").read_text()) * 1e3
    except (OSError, ValueError):
        pass
    try:
        return float(cpu_info["cpu MHz"]) * 1e6
    except (KeyError, ValueError):
        return 3e9
