"""How much a kernel reads ahead: the weights that lie behind its own, which the next kernels will want.

Weights lie in memory in the order of their use, and a network's are more than a cache keeps from one inference to the
next. A matrix product is bound by its multiply-adds and leaves the memory idle; the squeeze-excite and dense layers
behind it are bound by nothing but the reading of weights. So the first fetches for the second.
"""

from __future__ import annotations

from tvm_mnv3.targets import Core

#: Annotation of the loop that reads so many bytes ahead while it runs (see `tvm_mnv3.codegen.read_ahead`).
READ_AHEAD = "tvm_mnv3.read_ahead"

#: Of the second-level cache, what may be filled with weights for later: the kernel's own data has to stay there too.
_SHARE = 3 / 4
#: Kernels read ahead so many times the bytes of their own weights, which says how large their neighbours' are.
_TIMES = 4


def bytes_ahead(weight_bytes: int, core: Core) -> int:
    """How many bytes a kernel with so many bytes of weights fetches of what lies behind them; 0 is none.

    Only on x86, where it is measured: V3-Large takes 4 to 5 % less on one core. A phone's cores may gain as much or
    lose; no phone has been met, and the model of `tvm-mnv3 estimate` has no memory.
    """
    if core.isa != "x86_64" or weight_bytes < core.l1_data_bytes:
        return 0
    return int(min(_TIMES * weight_bytes, _SHARE * core.l2_bytes))
