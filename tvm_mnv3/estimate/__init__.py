"""How fast a bundle would be on an ARM core, without that core: exact instructions, modelled cycles, simulated cache
misses. Each keeps its name; none of them is a latency."""

from .caches import DEFAULT_CACHES, Cache, parse_caches
from .estimate import estimate, estimate_kernel
from .result import Estimate, Figures, KernelEstimate

__all__ = [
    "DEFAULT_CACHES",
    "Cache",
    "Estimate",
    "Figures",
    "KernelEstimate",
    "estimate",
    "estimate_kernel",
    "parse_caches",
]
