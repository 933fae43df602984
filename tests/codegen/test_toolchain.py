"""The toolchain: freestanding, reproducible, and clear about what is wrong."""

from __future__ import annotations

import ctypes
import importlib.util
import subprocess
from pathlib import Path

import doubler
import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.toolchain import (
    ToolchainError,
    UndefinedSymbolError,
    archive,
    compile_c,
    embed_binary,
    link_executable,
    link_shared,
)
from tvm_mnv3.devices.emulated import glibc_loader
from tvm_mnv3.errors import EnvironmentProblem

TRIPLES = (doubler.HOST, doubler.ARM)


def written(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize("triple", TRIPLES)
def test_a_library_needs_nothing_and_shows_only_its_exports(tmp_path: Path, triple: str) -> None:
    with doubler.build_library(tmp_path, triple).open("rb") as file:
        elf = ELFFile(file)
        dynamic = elf.get_section_by_name(".dynamic")
        symbols = elf.get_section_by_name(".dynsym")
        assert isinstance(dynamic, DynamicSection)
        assert isinstance(symbols, SymbolTableSection)
        tags = {tag.entry.d_tag for tag in dynamic.iter_tags()}
        visible = list(symbols.iter_symbols())[1:]
        alignments = [segment["p_align"] for segment in elf.iter_segments("PT_LOAD")]
        (stack,) = elf.iter_segments("PT_GNU_STACK")

        assert "DT_NEEDED" not in tags
        assert {"DT_HASH", "DT_GNU_HASH"} <= tags
        assert all(symbol["st_shndx"] != "SHN_UNDEF" for symbol in visible)
        assert sorted(symbol.name for symbol in visible) == sorted(doubler.EXPORTS)
        assert all(alignment == 16384 for alignment in alignments)
        assert not stack["p_flags"] & 1, "the stack is executable"
        assert elf.get_section_by_name(".symtab") is None


@pytest.mark.parametrize("triple", TRIPLES)
def test_the_same_sources_give_the_same_bytes_from_any_folder_and_cache(
    tmp_path: Path, triple: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(doubler.__file__).with_suffix(".c").read_text() + "\nconst char *file(void) { return __FILE__; }"
    libraries, archives = [], []
    for name in ("one", "another/and/deeper"):
        folder = tmp_path / name
        monkeypatch.setenv("TVM_MNV3_CACHE", str(folder / "cache"))
        monkeypatch.setenv("CPATH", str(folder))
        monkeypatch.chdir(written(folder, "model.c", source).parent)
        include = [Path(doubler.__file__).parent, runtime.FOLDER]
        objects = compile_c([Path("model.c"), *runtime.LIBRARY_SOURCES], triple=triple, out=folder, include=include)
        objects.append(embed_binary(bytes(64), symbol="doubler_weights", triple=triple, out=folder / "w.o"))
        out = folder / "m.so"
        libraries.append(link_shared(objects, triple=triple, out=out, exports=doubler.EXPORTS, soname="m").read_bytes())
        archives.append(archive(objects, folder / "m.a").read_bytes())

    assert libraries[0] == libraries[1]
    assert archives[0] == archives[1]
    assert str(tmp_path).encode() not in archives[0]


def test_undefined_symbols_are_named_and_no_file_is_left(tmp_path: Path) -> None:
    source = written(
        tmp_path, "a.c", "float sinf(float); double cos(double); double f(void) { return sinf(1) + cos(2); }"
    )
    objects = compile_c([source], triple=doubler.ARM, out=tmp_path, extra=("-fvisibility=default",))

    with pytest.raises(UndefinedSymbolError, match="cos, sinf") as caught:
        link_shared(objects, triple=doubler.ARM, out=tmp_path / "out" / "a.so", exports=["f"], soname="a")

    assert caught.value.symbols == ("cos", "sinf")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("export", ["missing", "hidden"])
def test_an_export_that_cannot_be_seen_is_an_error(tmp_path: Path, export: str) -> None:
    objects = compile_c([written(tmp_path, "a.c", "int hidden(void) { return 1; }")], triple=doubler.ARM, out=tmp_path)

    with pytest.raises(UndefinedSymbolError, match=export):
        link_shared(objects, triple=doubler.ARM, out=tmp_path / "a.so", exports=[export], soname="a")


def test_a_source_that_does_not_compile_is_named_with_the_compilers_words(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match=r"wrong\.c:1:.*undeclared identifier 'b'"):
        compile_c([written(tmp_path, "wrong.c", "int f(void) { return b; }")], triple=doubler.ARM, out=tmp_path)


def test_code_that_knows_the_date_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match="not reproducible"):
        compile_c([written(tmp_path, "a.c", "const char *d = __DATE__;")], triple=doubler.ARM, out=tmp_path)


def test_without_ziglang_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(EnvironmentProblem, match="pip install ziglang"):
        compile_c([written(tmp_path, "a.c", "int x;")], triple=doubler.ARM, out=tmp_path)


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TVM_MNV3_CACHE", str(written(tmp_path, "file", "") / "cache"))

    with pytest.raises(EnvironmentProblem, match="TVM_MNV3_CACHE"):
        compile_c([written(tmp_path, "a.c", "int x;")], triple=doubler.ARM, out=tmp_path)


@pytest.mark.parametrize("triple", ["riscv64-linux-musl", "aarch64-linux-android"])
def test_a_triple_without_a_toolchain_is_refused(tmp_path: Path, triple: str) -> None:
    with pytest.raises(ValueError, match=r"toolchain|musl"):
        compile_c([written(tmp_path, "a.c", "int x;")], triple=triple, out=tmp_path)


@pytest.mark.parametrize("size", [0, 1, 63, 4097])
def test_embedded_bytes_come_back_aligned_and_read_only(tmp_path: Path, size: int) -> None:
    data = bytes(i * 7 % 256 for i in range(size))
    blob = embed_binary(data, symbol="blob", triple=doubler.HOST, out=tmp_path / "blob.o", alignment=4096)
    text = (
        'extern const unsigned char blob[] __attribute__((visibility("hidden")));'
        '__attribute__((visibility("default"))) const void *address(void) { return blob; }'
    )
    objects = [*compile_c([written(tmp_path, "a.c", text)], triple=doubler.HOST, out=tmp_path), blob]
    library = link_shared(objects, triple=doubler.HOST, out=tmp_path / "a.so", exports=["address"], soname="a")

    address = ctypes.CDLL(str(library)).address
    address.restype = ctypes.c_void_p
    assert address() % 4096 == 0
    assert ctypes.string_at(address(), size) == data
    with library.open("rb") as file:
        assert ELFFile(file).get_section_by_name(".rela.dyn") is None, "reached through a relocated pointer"


def test_a_core_may_be_named_as_llvm_names_it(tmp_path: Path) -> None:
    """dotprod came with armv8.2: the compiler refuses its intrinsic on an older core."""
    text = "#include <arm_neon.h>\nint32x4_t f(int32x4_t a, int8x16_t b) { return vdotq_s32(a, b, b); }"
    source = written(tmp_path, "dot.c", text)

    assert compile_c([source], triple=doubler.ARM, out=tmp_path, cpu="cortex-a76") == [tmp_path / "dot.o"]
    with pytest.raises(ToolchainError, match="dotprod"):
        compile_c([source], triple=doubler.ARM, out=tmp_path, cpu="cortex-a53")


@pytest.mark.emulated
def test_arm_code_leaves_androids_register_x18_alone(tmp_path: Path, emulator: str) -> None:
    """A function that would like more registers than there are, called with a known value in x18."""
    hungry = written(
        tmp_path,
        "hungry.c",
        "void hungry(long *a, long *b) { long x[24];"
        "  for (int i = 0; i < 24; ++i) x[i] = a[i] * b[i];"
        '  __asm__ volatile("" ::: "memory");'
        "  for (int i = 0; i < 24; ++i) b[i] = x[i] + x[23 - i] * a[i]; }",
    )
    main = written(
        tmp_path,
        "main.c",
        "void hungry(long *a, long *b);"
        "int main(void) { long a[24] = {1}, b[24] = {2}, after;"
        '  __asm__ volatile("mov x18, #4711");'
        "  hungry(a, b);"
        '  __asm__ volatile("mov %0, x18" : "=r"(after));'
        "  return after == 4711 ? 0 : 1; }",
    )
    loader = glibc_loader()
    objects = compile_c([hungry], triple=loader.triple, out=tmp_path)
    objects += compile_c([main], triple=loader.triple, out=tmp_path, freestanding=False)
    program = link_executable(objects, triple=loader.triple, out=tmp_path / "program")

    assert subprocess.run([emulator, *loader.arguments, str(program)]).returncode == 0
