"""Reading a library's headers (tests/codegen/test_toolchain.py reads the same libraries by pyelftools)."""

from __future__ import annotations

from pathlib import Path

import doubler
import pytest

from tvm_mnv3.codegen.inspect_elf import inspect_shared_library
from tvm_mnv3.codegen.toolchain import compile_c, link_shared


def test_the_facts_of_a_library_that_stands_alone(doubler_arm: Path) -> None:
    path = doubler_arm / "libdoubler.so"
    facts = inspect_shared_library(path)

    assert facts.machine == "aarch64"
    assert facts.soname == "libdoubler.so"
    assert facts.needed == ()
    assert facts.undefined == ()
    assert facts.exports == doubler.EXPORTS
    assert facts.segment_alignment == 16384


def test_what_a_library_needs_is_listed(tmp_path: Path) -> None:
    source = tmp_path / "a.c"
    source.write_text('int theirs(void);\n__attribute__((visibility("default"))) int ours(void) { return theirs(); }\n')
    objects = compile_c([source], triple=doubler.HOST, out=tmp_path)
    path = link_shared(
        objects, triple=doubler.HOST, out=tmp_path / "a.so", exports=["ours"], soname="a", allow_undefined=True
    )

    facts = inspect_shared_library(path)
    assert (facts.exports, facts.undefined) == (("ours",), ("theirs",))


@pytest.mark.parametrize("kept", [0, 3, 20, 64, 500, 0.5])
def test_a_truncated_library_is_refused(tmp_path: Path, doubler_arm: Path, kept: float) -> None:
    whole = (doubler_arm / "libdoubler.so").read_bytes()
    path = tmp_path / "cut.so"
    path.write_bytes(whole[: int(kept if kept >= 1 else kept * len(whole))])

    with pytest.raises(ValueError, match=r"cut\.so"):
        inspect_shared_library(path)
