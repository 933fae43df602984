"""Static libraries: what is no export is local, so two models with the same kernels link into one program."""

from __future__ import annotations

import subprocess
from pathlib import Path

import doubler
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tvm_mnv3.codegen.localize import localize
from tvm_mnv3.codegen.toolchain import archive, compile_c, link_executable, link_object

MODEL = """
extern int helper(int);
__attribute__((visibility("hidden"))) const int table[3] = {{1, 2, {number}}};
__attribute__((visibility("hidden"))) int kernel(int i) {{ return helper(table[i]); }}
int {name}(int i) {{ return kernel(i) + table[2]; }}
int unused_{name}(void) {{ return 0; }}
"""
HELPER = '__attribute__((visibility("hidden"))) int helper(int x) { return 10 * x; }\n'
MAIN = "int one(int); int two(int); int main(void) { return one(1) == 23 && two(2) == 44 ? 0 : 1; }\n"


def model_object(folder: Path, name: str, number: int, triple: str) -> Path:
    folder.mkdir()
    (folder / "model.c").write_text(MODEL.format(name=name, number=number))
    (folder / "helper.c").write_text(HELPER)
    objects = compile_c([folder / "model.c", folder / "helper.c"], triple=triple, out=folder)
    return link_object(objects, triple=triple, out=folder / f"{name}.o", exports=[name])


def test_two_models_with_the_same_names_inside_link_into_one_program(tmp_path: Path) -> None:
    models = [model_object(tmp_path / name, name, number, doubler.HOST) for name, number in (("one", 3), ("two", 4))]
    libraries = [archive([model], model.with_suffix(".a")) for model in models]
    (tmp_path / "main.c").write_text(MAIN)
    main = compile_c([tmp_path / "main.c"], triple=doubler.HOST, out=tmp_path, freestanding=False)
    program = link_executable([*main, *libraries], triple=doubler.HOST, out=tmp_path / "program")
    assert subprocess.run([program]).returncode == 0


@pytest.mark.parametrize("triple", [doubler.HOST, doubler.ARM])
def test_only_the_exports_are_left_visible(tmp_path: Path, triple: str) -> None:
    with model_object(tmp_path / "one", "one", 3, triple).open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        symbols = list(table.iter_symbols())
        assert [s.name for s in symbols if s["st_info"]["bind"] != "STB_LOCAL"] == ["one"]
        assert table["sh_info"] == len(symbols) - 1


@pytest.mark.parametrize("content", [b"", b"no ELF file", b"\x7fELF\x02\x01" + bytes(100)])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.o").write_bytes(content)
    with pytest.raises(ValueError, match="not a relocatable"):
        localize(tmp_path / "file.o", [])


def test_a_symbol_that_is_not_there_cannot_be_kept(tmp_path: Path) -> None:
    model = model_object(tmp_path / "one", "one", 3, doubler.HOST)
    with pytest.raises(ValueError, match="missing_one"):
        localize(model, ["one", "missing_one"])
