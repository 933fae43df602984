"""Where converted networks are kept from one run of the benchmark to the next."""

from __future__ import annotations

from pathlib import Path

from tvm_mnv3.cache import cache_folder


def artifacts_folder() -> Path:
    """``benchmarks`` in the project's cache (``TVM_MNV3_CACHE``, or ``~/.cache/tvm-mnv3``); it exists."""
    folder = cache_folder() / "benchmarks"
    folder.mkdir(exist_ok=True)
    return folder
