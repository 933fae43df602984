"""How fast a kernel reads ahead: weights that later kernels want, fetched while this one multiplies.

A network's weights are more than a cache keeps from one inference to the next. Pointwise kernels are bound by their
multiply-adds and leave the memory idle; the squeeze-excite and dense layers behind them are bound by nothing but the
reading of weights. So the first fetch for the second: their operand ``ahead`` says from where, which is a matter of the
whole network (`tvm_mnv3.codegen.ahead_plan`), and changes no value.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from tvm_mnv3.compat import Expr, Schedule, tirx
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

#: Annotation of the loop that reads ahead while it runs; its value is how many cache lines in every turn.
READ_AHEAD = "tvm_mnv3.read_ahead"

#: Bytes that one fetch brings.
LINE = 64

#: Arguments of ``llvm.prefetch``: to read; into the second-level cache; data.
_READ, _SECOND_LEVEL, _DATA = 0, 2, 1

#: One cache line is fetched in the time of so many multiply-adds of vectors: 7 GB/s, a quarter of what one core gets
#: from the memory (AMD EPYC, Zen 4). Three times as fast is slower, and half as fast has read less when it is wanted.
_PER_LINE = 32
#: But so many times what the kernel uses up itself, where that is more: behind an expansion on a small map come weights
#: of more than four times its own. Never a line in less time than `_LEAST`: in the time of 7 multiply-adds V3-Large is
#: 2 % slower than in that of 10 (Emerald Rapids).
_OF_OWN, _LEAST = 2.25, 10


def lines_ahead(multiply_adds: int, own: float, weight_bytes: int, core: Core) -> int:
    """Cache lines to fetch in a turn of a loop; 0 is none.

    Kernels whose weights fit the first-level cache fetch nothing: those around them have as few.

    Only on x86, where it is measured (docs/memory.md). A phone's cores may gain as much or lose; no phone has been
    met, and the model of `tvm-mnv3 estimate` has no memory.

    Parameters
    ----------
    multiply_adds
        Of vectors, in a turn.
    own
        Lines of the kernel's own weights that a turn uses up: read for the last time, on average of all turns. 0 where
        the kernel needs all of them until its end.
    weight_bytes
        Of all its weights.
    """
    if core.isa != "x86_64" or weight_bytes < core.l1_data_bytes:
        return 0
    cycles = multiply_adds / core.multiply_adds_per_cycle
    return max(1, min(ceil(max(cycles / _PER_LINE, _OF_OWN * own)), int(cycles / _LEAST)))


def read_ahead_by_steps(sch: Schedule, workload: Workload, core: Core, multiply_adds: int, own: float = 0) -> None:
    """Annotate the loop over steps of k of a product that is written as it runs: the one around the block ``step``.

    `multiply_adds` and `own` as for `lines_ahead`, of a step.
    """
    lines = lines_ahead(multiply_adds, own, weight_bytes(workload), core)
    sch.annotate(sch.get_loops(sch.get_sblock("step"))[-1], READ_AHEAD, lines)


def fetch(start: tirx.Var, offset: Expr) -> Expr:
    """A fetch of the cache line so many bytes behind the start of a buffer. It never faults, and changes no value."""
    address = tirx.handle_add_byte_offset(start, offset)
    arguments = (tirx.IntImm("int32", value) for value in (_READ, _SECOND_LEVEL, _DATA))
    return tirx.call_llvm_intrin("void", "llvm.prefetch.p0", address, *arguments)


def weight_bytes(workload: Workload) -> int:
    """Bytes of a matrix product's weights."""
    return workload.in_channels * workload.out_channels * np.dtype(workload.stored_dtype).itemsize
