"""The host's description: what LLVM says, less what the kernel hides; caches as sysfs shows them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tvm_mnv3.targets import host_core, load_core
from tvm_mnv3.targets.host import VectorUnit, cache_bytes, hidden_features, vector_unit


def test_load_core_knows_the_host() -> None:
    assert load_core("host") == host_core()


def test_llvm_compiles_and_runs_vector_code_for_the_host() -> None:
    from tvm_mnv3.compat import Target, te, tvm

    core = host_core()
    lanes = core.lanes("float32")
    a = te.placeholder((lanes,), name="a")
    double = te.compute((lanes,), lambda i: a[i] * 2.0 + 1.0, name="double")
    target = Target({"kind": "llvm", "mcpu": core.llvm_cpu, "mattr": list(core.llvm_attributes)})
    built = tvm.compile(te.create_prim_func([a, double]), target=target)
    x = np.arange(lanes, dtype="float32")
    out = tvm.runtime.tensor(np.zeros_like(x))
    built(tvm.runtime.tensor(x), out)
    np.testing.assert_array_equal(out.numpy(), 2 * x + 1)


@pytest.mark.parametrize(
    ("isa", "features", "unit"),
    [
        ("x86_64", {"avx512f", "avx512dq", "avx2", "fma"}, VectorUnit(512, 32)),
        ("x86_64", {"avx512f", "avx2", "fma"}, VectorUnit(256, 16)),
        ("x86_64", {"avx2", "fma"}, VectorUnit(256, 16)),
        ("x86_64", {"avx2"}, VectorUnit(128, 16)),
        ("x86_64", {"sse4.2"}, VectorUnit(128, 16)),
        ("aarch64", {"neon", "sve"}, VectorUnit(128, 32)),
    ],
)
def test_the_vector_unit_follows_the_features(isa: str, features: set[str], unit: VectorUnit) -> None:
    assert vector_unit(isa, frozenset(features)) == unit


def test_features_that_a_virtual_machine_masks_are_not_used() -> None:
    promised = frozenset({"avx512f", "avx512vnni", "avx512vl", "avx2", "fma", "sse4.2", "sha"})
    flags = frozenset({"avx2", "fma", "avx512_vnni"})
    assert hidden_features(promised, flags) == {"avx512f", "avx512vl"}


def test_nothing_is_hidden_where_the_kernel_shows_no_flags() -> None:
    assert hidden_features(frozenset({"avx512f"}), frozenset()) == frozenset()


def test_caches_are_read_level_by_level_without_the_instruction_cache(tmp_path: Path) -> None:
    _write_cache(tmp_path, 0, "1", "Data", "48K")
    _write_cache(tmp_path, 1, "1", "Instruction", "32K")
    _write_cache(tmp_path, 2, "2", "Unified", "1M")
    _write_cache(tmp_path, 3, "3", "Unified", "not a size")
    assert cache_bytes(tmp_path) == {1: 48 * 1024, 2: 1024 * 1024}


def test_a_machine_without_sysfs_has_no_cache_sizes(tmp_path: Path) -> None:
    assert cache_bytes(tmp_path / "absent") == {}


def _write_cache(folder: Path, index: int, level: str, kind: str, size: str) -> None:
    entry = folder / f"index{index}"
    entry.mkdir()
    for name, text in (("level", level), ("type", kind), ("size", size)):
        (entry / name).write_text(text + "\n")
