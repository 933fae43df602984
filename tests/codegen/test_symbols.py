"""The linker's map agrees with the library's own symbol table, where that has one."""

from __future__ import annotations

from pathlib import Path

import doubler
from elftools.elf.elffile import ELFFile

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.symbols import Extent, read_link_map
from tvm_mnv3.codegen.toolchain import compile_c, link_shared


def test_map_agrees_with_the_symbols_that_stay_visible(tmp_path: Path) -> None:
    here = Path(doubler.__file__).parent
    objects = compile_c(
        [here / "doubler.c", *runtime.LIBRARY_SOURCES],
        triple=doubler.ARM,
        out=tmp_path,
        include=[here, runtime.FOLDER],
    )
    weights = tmp_path / "weights.c"
    weights.write_text("const float doubler_weights[16] = {1};\n")
    objects += compile_c([weights], triple=doubler.ARM, out=tmp_path)
    library, link_map = tmp_path / "m.so", tmp_path / "m.map"
    link_shared(objects, triple=doubler.ARM, out=library, exports=doubler.EXPORTS, soname="m.so", link_map=link_map)
    extents = read_link_map(link_map)
    with library.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".dynsym")
        visible = {s.name: Extent(s["st_value"], s["st_size"]) for s in table.iter_symbols() if s.name}
    assert set(visible) == set(doubler.EXPORTS)
    assert {name: extents[name] for name in visible} == visible
    # The map has what the library hides, too.
    assert extents["doubler_weights"].size == 64
