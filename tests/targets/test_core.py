"""The core files are complete, LLVM knows their CPUs, and a wrong file or name is told in one sentence."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest

from tvm_mnv3.errors import InputError
from tvm_mnv3.targets import Core, core_names, load_core
from tvm_mnv3.targets.core import read_core

NAMES = (
    "armv8-a",
    "cortex-a53",
    "cortex-a55",
    "cortex-a72",
    "cortex-a73",
    "cortex-a76",
    "cortex-a78",
    "cortex-x1",
    "neoverse-n1",
)
GOOD = Path(__file__).resolve().parents[2] / "targets" / "cortex-a76.toml"


def test_the_cores_of_the_first_release_are_there() -> None:
    assert core_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_core_has_neon_and_says_what_it_is(name: str) -> None:
    core = load_core(name)
    assert core.name == name
    assert core.isa == "aarch64"
    assert (core.vector_bits, core.vector_registers) == (128, 32)
    assert core.lanes("float32") == 4
    assert core.lanes("float16") == 8
    assert core.l1_data_bytes < core.l2_bytes
    assert core.l3_bytes == 0 or core.l3_bytes > core.l2_bytes
    assert 1e9 < core.clock_hz < 4e9
    assert core.description


@pytest.mark.parametrize("name", NAMES)
def test_the_feature_flags_are_those_of_llvm(name: str) -> None:
    core = load_core(name)
    features = _llvm_features(core)
    assert {"neon", "fp-armv8"} <= features
    assert core.has_fp16 == ("fullfp16" in features)
    assert core.has_dotprod == ("dotprod" in features)
    assert core.has_i8mm == ("i8mm" in features)


def test_armv8_a_allows_only_the_instructions_that_every_64_bit_arm_core_has() -> None:
    optional = {"v8.1a", "lse", "rdm", "crc", "aes", "sha2", "fullfp16", "dotprod", "sve"}
    assert not _llvm_features(load_core("armv8-a")) & optional
    assert _llvm_features(load_core("cortex-a76")) >= optional - {"sve"}


def test_armv8_a_is_scheduled_as_a_cortex_a76() -> None:
    generic, a76 = load_core("armv8-a"), load_core("cortex-a76")
    instructions = {"name", "llvm_cpu", "llvm_attributes", "has_fp16", "has_dotprod", "description"}
    for field in fields(Core):
        if field.name not in instructions:
            assert getattr(generic, field.name) == getattr(a76, field.name), field.name


def test_a_core_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        load_core("cortex-a76").vector_bits = 256


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("cortex-a67", "cortex-a7"), ("Cortex-A76", "cortex-a76"), ("neoverse_n1", "neoverse-n1")],
)
def test_an_unknown_name_gets_the_nearest_and_all_known(asked: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"no core '{asked}'. Did you mean '{meant}") as caught:
        load_core(asked)
    assert all(name in str(caught.value) for name in (*NAMES, "host"))


def test_a_name_that_resembles_nothing_gets_no_guess() -> None:
    with pytest.raises(InputError, match=r"no core 'xyzzy'\. Known cores: armv8-a"):
        load_core("xyzzy")


@pytest.mark.parametrize("path", ["../core", "../targets/cortex-a76", ""])
def test_a_name_is_never_taken_as_a_path(path: str) -> None:
    with pytest.raises(InputError, match="There is no core"):
        load_core(path)


def test_a_missing_key_names_file_and_key(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^mine\.toml lacks the key 'l2_bytes'"):
        read_core(_edited(tmp_path, "l2_bytes = 524_288\n", ""))


def test_a_misspelt_key_names_file_key_and_the_right_spelling(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^mine\.toml has an unknown key 'l2_byte'; did you mean 'l2_bytes'"):
        read_core(_edited(tmp_path, "l2_bytes =", "l2_byte ="))


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("in_order = false", "in_order = 0", "'in_order' is 0, but must be true or false"),
        ("vector_registers = 32", "vector_registers = 0", "'vector_registers' is 0, but must be an integer"),
        ("vector_registers = 32", "vector_registers = true", "'vector_registers' is True"),
        ("l2_bytes = 524_288", 'l2_bytes = "512K"', "'l2_bytes' is '512K'"),
        ("clock_hz = 2.84e9", "clock_hz = -1", "'clock_hz' is -1, but must be a number above 0"),
        ('isa = "aarch64"', 'isa = "arm64"', "'isa' is 'arm64', but must be one of aarch64, x86_64"),
        ("llvm_attributes = []", 'llvm_attributes = ["fullfp16"]', "'llvm_attributes' is .* begin with"),
        ('llvm_cpu = "cortex-a76"', 'llvm_cpu = ""', "'llvm_cpu' is ''"),
    ],
)
def test_a_wrong_value_names_file_key_and_what_it_must_be(
    tmp_path: Path, before: str, after: str, complaint: str
) -> None:
    with pytest.raises(InputError, match=rf"^mine\.toml: the key {complaint}"):
        read_core(_edited(tmp_path, before, after))


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^mine\.toml is not a TOML file"):
        read_core(_edited(tmp_path, "isa =", "isa = ="))


def _edited(folder: Path, before: str, after: str) -> Path:
    """A good core file in which one text was replaced by another."""
    text = GOOD.read_text()
    assert before in text
    path = folder / "mine.toml"
    path.write_text(text.replace(before, after))
    return path


def _llvm_features(core: Core) -> set[str]:
    from tvm_mnv3.compat import Target, tvm

    target = Target(
        {
            "kind": "llvm",
            "mtriple": "aarch64-linux-gnu",
            "mcpu": core.llvm_cpu,
            "mattr": list(core.llvm_attributes),
        }
    )
    return set(map(str, tvm.target.codegen.llvm_get_cpu_features(target)))


def test_a_unit_that_splits_wide_vectors_takes_twice_as_many_half_ones() -> None:
    split = replace(load_core("cortex-a76"), vector_bits=512, multiply_adds_per_cycle=1)
    assert [split.multiply_add_rate(lanes, "float32") for lanes in (16, 8, 4)] == [1, 2, 2]
    whole = load_core("cortex-a76")
    assert [whole.multiply_add_rate(lanes, "float16") for lanes in (8, 4)] == [2, 2]
