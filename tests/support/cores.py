"""Cores that tests choose for, whatever machine they run on."""

from __future__ import annotations

from dataclasses import replace

from tvm_mnv3.targets import load_core

#: An x86 core with AVX-512 and two multiply-adds a cycle.
WIDE = replace(
    load_core("host"),
    isa="x86_64",
    llvm_cpu="sapphirerapids",
    llvm_attributes=(),
    vector_bits=512,
    vector_registers=32,
    multiply_adds_per_cycle=2,
    multiply_add_latency=4,
    l1_data_bytes=48 << 10,
)
