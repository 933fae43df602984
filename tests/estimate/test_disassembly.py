"""Instruction words become the text that the pipeline model reads."""

from __future__ import annotations

import pytest

from tvm_mnv3.estimate.disassembly import (
    disassemble,
    is_load,
    is_store,
    is_vector_multiply_add,
    without_addresses,
)
from tvm_mnv3.estimate.tools import Tools


@pytest.mark.emulated
def test_words_become_text_and_what_is_no_instruction_a_nop(tools: Tools) -> None:
    text = disassemble([0x4F821020, 0xD65F03C0, 0xFFFFFFFF, 0x3DC00000], tools)
    assert text[0x4F821020] == "fmla v0.4s, v1.4s, v2.s[0]"
    assert text[0xD65F03C0] == "ret"
    assert text[0x3DC00000] == "ldr q0, [x0]"
    assert text[0xFFFFFFFF] == "nop"


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("fmla v0.4s, v1.4s, v2.s[0]", True),
        ("fmla v0.8h, v1.8h, v2.8h", True),
        ("fmls v0.2d, v1.2d, v2.2d", True),
        ("fmla s0, s1, v2.s[1]", False),
        ("fmadd s0, s1, s2, s3", False),
        ("fmul v0.4s, v1.4s, v2.4s", False),
        ("mla v0.4s, v1.4s, v2.4s", False),
    ],
)
def test_only_whole_vectors_are_vector_multiply_adds(instruction: str, expected: bool) -> None:
    assert is_vector_multiply_add(instruction) is expected


def test_loads_and_stores_are_told_apart() -> None:
    instructions = [
        "ldp q0, q1, [x0]",
        "ld1r { v0.4s }, [x1]",
        "stp x0, x1, [sp]",
        "str q0, [x0]",
        "prfm pldl1keep, [x0]",
    ]
    assert list(map(is_load, instructions)) == [True, True, False, False, False]
    assert list(map(is_store, instructions)) == [False, False, True, True, False]


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("b.ne #-12", "b.ne #0"),
        ("cbz w0, #64", "cbz w0, #0"),
        ("tbz w0, #3, #64", "tbz w0, #3, #0"),
        ("adrp x0, #4096", "adrp x0, 0"),
        ("ldr q0, #1024", "ldr q0, [x30]"),
        ("ldr q0, [x0, #1024]", "ldr q0, [x0, #1024]"),
        ("ret", "ret"),
    ],
)
def test_addresses_vanish(instruction: str, expected: str) -> None:
    assert without_addresses(instruction) == expected
