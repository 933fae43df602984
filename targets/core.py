"""A `Core`: a CPU core as the schedules see it, read from the TOML file of its name."""

from __future__ import annotations

import difflib
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tvm_mnv3.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Instruction sets a core can have.
ISAS = ("aarch64", "x86_64")


@dataclass(frozen=True)
class Core:
    """A CPU core.

    Parameters
    ----------
    name
        The name of the TOML file and of ``--core``: ``cortex-a76``.
    isa
        ``aarch64`` or ``x86_64``.
    llvm_cpu
        LLVM's ``-mcpu`` whose instructions may be used and whose pipeline is scheduled for.
    llvm_attributes
        LLVM's ``-mattr``, each with its sign: ``("+fullfp16",)``.
    vector_bits
        Width of one vector register that the kernels use.
    vector_registers
        How many of them the architecture has.
    multiply_adds_per_cycle
        Vector multiply-adds (whole registers) that can start per cycle.
    multiply_add_latency
        Cycles until a multiply-add's sum can be used by the next one.
    in_order
        Whether the core issues in program order.
    l1_data_bytes, l2_bytes, l3_bytes
        Data cache sizes that one core can count on; 0 where there is none.
    clock_hz
        A typical top clock, for estimates only.
    has_fp16, has_dotprod, has_i8mm
        Vector arithmetic in float16 (FEAT_FP16), int8 dot products, int8 matrix products.
    description
        One line for people.
    """

    name: str
    isa: str
    llvm_cpu: str
    llvm_attributes: tuple[str, ...]
    vector_bits: int
    vector_registers: int
    multiply_adds_per_cycle: int
    multiply_add_latency: int
    in_order: bool
    l1_data_bytes: int
    l2_bytes: int
    l3_bytes: int
    clock_hz: float
    has_fp16: bool
    has_dotprod: bool
    has_i8mm: bool
    description: str

    def lanes(self, dtype: str) -> int:
        """Elements of `dtype` in one vector register."""
        return self.vector_bits // {"float32": 32, "float16": 16}[dtype]

    def multiply_add_rate(self, lanes: int, dtype: str) -> int:
        """Multiply-adds of vectors of so many elements that can start per cycle.

        A unit that takes a whole register in two halves (AMD Zen 4) takes two half ones instead.
        """
        halves = min(2, self.multiply_adds_per_cycle * self.lanes(dtype) // lanes)
        return max(self.multiply_adds_per_cycle, halves)


def read_core(path: Path) -> Core:
    """The core that a TOML file describes; the file's stem is its name.

    Raises
    ------
    InputError
        The file is not TOML, or a key is missing, unknown or of the wrong type; the message names both.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} is not a TOML file: {error}.") from error
    wanted = {field.name for field in fields(Core)} - {"name"}
    for key in sorted(table.keys() - wanted):
        close = difflib.get_close_matches(key, sorted(wanted - table.keys()), n=1)
        guess = f"; did you mean {close[0]!r}?" if close else f"; a core has the keys {', '.join(sorted(wanted))}."
        raise InputError(f"{path.name} has an unknown key {key!r}{guess}")
    for key in sorted(wanted - table.keys()):
        raise InputError(f"{path.name} lacks the key {key!r}; cortex-a76.toml shows all of them.")
    return Core(
        name=path.stem,
        isa=_choice(path, table, "isa", ISAS),
        llvm_cpu=_text(path, table, "llvm_cpu"),
        llvm_attributes=_signed_features(path, table, "llvm_attributes"),
        vector_bits=_integer(path, table, "vector_bits", least=64),
        vector_registers=_integer(path, table, "vector_registers", least=1),
        multiply_adds_per_cycle=_integer(path, table, "multiply_adds_per_cycle", least=1),
        multiply_add_latency=_integer(path, table, "multiply_add_latency", least=1),
        in_order=_flag(path, table, "in_order"),
        l1_data_bytes=_integer(path, table, "l1_data_bytes", least=0),
        l2_bytes=_integer(path, table, "l2_bytes", least=0),
        l3_bytes=_integer(path, table, "l3_bytes", least=0),
        clock_hz=_positive_number(path, table, "clock_hz"),
        has_fp16=_flag(path, table, "has_fp16"),
        has_dotprod=_flag(path, table, "has_dotprod"),
        has_i8mm=_flag(path, table, "has_i8mm"),
        description=_text(path, table, "description"),
    )


def _wrong(path: Path, key: str, value: object, wanted: str) -> InputError:
    return InputError(f"{path.name}: the key {key!r} is {value!r}, but must be {wanted}.")


def _text(path: Path, table: dict[str, Any], key: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not value:
        raise _wrong(path, key, value, "a text that is not empty")
    return value


def _choice(path: Path, table: dict[str, Any], key: str, choices: tuple[str, ...]) -> str:
    value = _text(path, table, key)
    if value not in choices:
        raise _wrong(path, key, value, f"one of {', '.join(choices)}")
    return value


def _flag(path: Path, table: dict[str, Any], key: str) -> bool:
    value = table[key]
    if not isinstance(value, bool):
        raise _wrong(path, key, value, "true or false")
    return value


def _integer(path: Path, table: dict[str, Any], key: str, least: int) -> int:
    value = table[key]
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise _wrong(path, key, value, f"an integer of at least {least}")
    return value


def _positive_number(path: Path, table: dict[str, Any], key: str) -> float:
    value = table[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise _wrong(path, key, value, "a number above 0")
    return float(value)


def _signed_features(path: Path, table: dict[str, Any], key: str) -> tuple[str, ...]:
    value = table[key]
    if not isinstance(value, list) or not all(isinstance(v, str) and v[:1] in ("+", "-") for v in value):
        raise _wrong(path, key, value, 'a list of texts that begin with + or -, such as ["+fullfp16"]')
    return tuple(value)
