"""A `Core`: a CPU core as the schedules see it, read from the TOML file of its name."""

from __future__ import annotations

from dataclasses import dataclass


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


def core_names() -> tuple[str, ...]:
    """The names of all cores that have a description, sorted."""
    raise NotImplementedError


def load_core(name: str) -> Core:
    """The core of that name."""
    raise NotImplementedError
