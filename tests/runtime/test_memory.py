"""The memory functions of memory.c, against Python's bytes."""

from __future__ import annotations

import ctypes
from pathlib import Path

import doubler
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from hypothesis import given
from hypothesis import strategies as st

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.toolchain import compile_c, link_shared

NAMES = ("memcpy", "memmove", "memset", "memcmp")
#: Past several vectors, with every remainder.
SIZES = st.integers(0, 300)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("memory")
    objects = compile_c([runtime.FOLDER / "memory.c"], triple=doubler.HOST, out=folder, extra=("-fvisibility=default",))
    path = link_shared(objects, triple=doubler.HOST, out=folder / "m.so", exports=NAMES, soname="m")
    return ctypes.CDLL(str(path))


def filled(size: int, seed: int = 7) -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(bytes((i * seed + seed) % 256 for i in range(size)), size)


@given(size=SIZES, to=st.integers(0, 100), start=st.integers(0, 100))
def test_memmove_copies_as_if_through_a_copy(library: ctypes.CDLL, size: int, to: int, start: int) -> None:
    buffer = filled(400)
    expected = bytearray(buffer.raw)
    expected[to : to + size] = expected[start : start + size]

    address = ctypes.addressof(buffer)
    library.memmove(ctypes.c_void_p(address + to), ctypes.c_void_p(address + start), ctypes.c_size_t(size))
    assert buffer.raw == bytes(expected)


@given(size=SIZES, to=st.integers(0, 20), start=st.integers(0, 20))
def test_memcpy_copies_that_many_bytes(library: ctypes.CDLL, size: int, to: int, start: int) -> None:
    source, target = filled(400), filled(400, seed=11)
    expected = bytearray(target.raw)
    expected[to : to + size] = source.raw[start : start + size]

    addresses = ctypes.addressof(target) + to, ctypes.addressof(source) + start
    library.memcpy(*map(ctypes.c_void_p, addresses), ctypes.c_size_t(size))
    assert target.raw == bytes(expected)


@given(size=SIZES, to=st.integers(0, 20), value=st.integers(-1, 511))
def test_memset_stores_the_low_byte(library: ctypes.CDLL, size: int, to: int, value: int) -> None:
    buffer = filled(400)
    expected = bytearray(buffer.raw)
    expected[to : to + size] = bytes([value % 256]) * size

    library.memset(ctypes.c_void_p(ctypes.addressof(buffer) + to), value, ctypes.c_size_t(size))
    assert buffer.raw == bytes(expected)


@given(left=st.binary(max_size=40), right=st.binary(max_size=40))
def test_memcmp_orders_as_unsigned_bytes(library: ctypes.CDLL, left: bytes, right: bytes) -> None:
    size = min(len(left), len(right))
    got = library.memcmp(left, right, ctypes.c_size_t(size))

    a, b = left[:size], right[:size]
    assert (got > 0, got < 0) == (a > b, a < b)


@pytest.mark.parametrize("optimize", ["-O1", "-O2", "-O3", "-Os"])
@pytest.mark.parametrize("triple", [doubler.HOST, doubler.ARM])
def test_no_function_became_a_call_of_itself(tmp_path: Path, triple: str, optimize: str) -> None:
    """A compiler that recognises the loop in memcpy as memcpy calls it; each call would be a relocation."""
    (path,) = compile_c([runtime.FOLDER / "memory.c"], triple=triple, out=tmp_path, optimize=optimize)

    with path.open("rb") as file:
        elf = ELFFile(file)
        symbols = elf.get_section_by_name(".symtab")
        assert isinstance(symbols, SymbolTableSection)
        assert {symbol.name for symbol in symbols.iter_symbols()} >= set(NAMES)
        assert [section.name for section in elf.iter_sections() if section.name.startswith(".rela.text")] == []
