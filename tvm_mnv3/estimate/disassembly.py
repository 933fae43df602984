"""Instruction words as text, in the form that the pipeline model reads."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping

from tvm_mnv3.errors import EnvironmentProblem
from tvm_mnv3.estimate.tools import Tools

_LOCAL_BRANCHES = ("b", "bl", "cbz", "cbnz", "tbz", "tbnz", "adr")
_MULTIPLY_ADDS = ("fmla", "fmls")
_VECTOR = re.compile(r"^v\d+\.(?:2s|4s|2d|4h|8h)\b")


def disassemble(words: Iterable[int], tools: Tools) -> Mapping[int, str]:
    """The text of each word: mnemonic, space, operands; ``nop`` for one that is no instruction.

    Raises
    ------
    EnvironmentProblem
        The disassembler failed.
    """
    ordered = sorted(set(words))
    source = "".join(" ".join(f"0x{byte:02x}" for byte in word.to_bytes(4, "little")) + "\n" for word in ordered)
    done = subprocess.run(
        [tools.disassembler, "--disassemble", "-triple=aarch64", "-mattr=+all"],
        input=source, capture_output=True, text=True,
    )  # fmt: skip
    unknown = {int(line) - 1 for line in re.findall(r"<stdin>:(\d+):\d+: warning", done.stderr)}
    known = [word for index, word in enumerate(ordered) if index not in unknown]
    lines = [_plain(line) for line in done.stdout.splitlines() if line.startswith("\t") and not line.startswith("\t.")]
    if done.returncode != 0 or len(lines) != len(known):
        raise EnvironmentProblem(f"{tools.disassembler} did not understand the library: {done.stderr.strip()[:200]}")
    return {**dict.fromkeys(ordered, "nop"), **dict(zip(known, lines, strict=True))}


def _plain(line: str) -> str:
    """Without the comment that names a constant, and with one space."""
    return " ".join(line.split("//")[0].split())


def mnemonic(instruction: str) -> str:
    """``fmla`` of ``fmla v0.4s, v1.4s, v2.s[0]``."""
    return instruction.split(" ", 1)[0]


def is_vector_multiply_add(instruction: str) -> bool:
    """Whether it is a floating-point multiply-add of whole vectors, by element or not."""
    name, _, operands = instruction.partition(" ")
    return name in _MULTIPLY_ADDS and _VECTOR.match(operands) is not None


def is_load(instruction: str) -> bool:
    """Whether it reads memory."""
    return mnemonic(instruction).startswith("ld")


def is_store(instruction: str) -> bool:
    """Whether it writes memory."""
    return mnemonic(instruction).startswith("st")


def without_addresses(instruction: str) -> str:
    """The same for the pipeline model, which assembles it somewhere else: targets of branches become 0, a load from a
    place relative to the program becomes one through a register, and calls of the system vanish."""
    name, _, operands = instruction.partition(" ")
    if name in ("svc", "brk"):
        return "nop"
    if name in _LOCAL_BRANCHES or name.startswith("b."):
        return f"{name} {', '.join([*operands.split(', ')[:-1], '#0'])}"
    if name == "adrp":
        return f"adrp {operands.split(',')[0]}, 0"
    if name in ("ldr", "ldrsw") and "[" not in operands:
        return f"{name} {operands.split(',')[0]}, [x30]"
    return instruction
