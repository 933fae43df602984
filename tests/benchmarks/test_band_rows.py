"""How many rows a kernel gets in a band."""

from __future__ import annotations

from benchmarks.band_rows import rows_at_a_time
from tvm_mnv3.codegen.steps import BandRecord, StepRecord, StepTable

WIDE, WINDOW, NARROW = (
    "pointwise_h112w112_i16_o64_f32_bias_relu",
    "depthwise_k3s2_h112w112_c64_f32_bias_relu",
    "pointwise_h56w56_i64_o24_f32_bias",
)
FIRST = "depthwise_k3s1_h112w112_c16_f32_bias_relu", "pointwise_h112w112_i16_o16_f32_bias_add"


def table(*kernels: str) -> StepTable:
    steps = tuple(StepRecord(kernel, (), 1, (), 0, 1) for kernel in kernels)
    return StepTable(0, 0, 0, (BandRecord(0, 1, 2), BandRecord(2, 4, 7)), steps)


def test_an_expansion_gets_the_rows_that_the_window_wants() -> None:
    rows = rows_at_a_time(table(*FIRST, WIDE, WINDOW, NARROW))
    assert rows == {FIRST[0]: 2, FIRST[1]: 2, WIDE: 15, WINDOW: 7, NARROW: 7}


def test_a_kernel_that_is_also_run_whole_gets_all_rows() -> None:
    assert WIDE not in rows_at_a_time(table(*FIRST, WIDE, WINDOW, NARROW, WIDE))
