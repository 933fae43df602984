"""``gate(x) = clamp(x / 6 + 1/2, 0, 1)``, the second factor of h-swish and all of hard-sigmoid, as an operator of TVM.

As an operator it stays whole until a kernel's loops are vectors, and then becomes what is shortest for them.
(MobileNetV3 paper, section 5.2.)
"""

from __future__ import annotations

import numpy as np

from tvm_mnv3.compat import Call, Expr, Op, register_op, tirx

_NAME = "tirx.tvm_mnv3_gate"
#: ``CallEffectKind::kPure`` of TVM's ``tirx/op_attr_types.h``.
_PURE = 1
#: 1/6 with a last bit of zero, so that three times as much is a float32, too: the gate is exactly zero at -3, and at 3
#: it is as near to one as another float32 can be.
_SIXTH = float(np.uint32(0x3E2AAAAA).view(np.float32))
#: Arguments of ``llvm.x86.avx512.mask.range.ps.512``: the smaller of two magnitudes, with the sign of the first operand
#: (Intel SDM volume 2, VRANGEPS); in all lanes; rounding as it is set.
_SMALLER_MAGNITUDE, _ALL_LANES, _AS_IT_IS = 2, -1, 4


def gate(x: Expr, dtype: str) -> Expr:
    """The gate of a value, as an expression of a kernel."""
    return tirx.call_intrin(dtype, Op.get(_NAME), x)


def _lowered(call: Call) -> Expr:
    """In vectors of 512 bits two instructions, of which the second is a multiply-add; else three."""
    (x,), dtype = call.args, str(call.ty)
    return _within_three(x, dtype) if dtype == "float32x16" else _clamped(x, dtype)


def _within_three(x: Expr, dtype: str) -> Expr:
    three, sixth, half = (tirx.const(value, dtype) for value in (3.0, _SIXTH, 3 * _SIXTH))
    mode, lanes, rounding = (
        tirx.IntImm(kind, value)
        for kind, value in (("int32", _SMALLER_MAGNITUDE), ("int16", _ALL_LANES), ("int32", _AS_IT_IS))
    )
    name = "llvm.x86.avx512.mask.range.ps.512"
    return tirx.call_llvm_pure_intrin(dtype, name, x, three, mode, x, lanes, rounding) * sixth + half


def _clamped(x: Expr, dtype: str) -> Expr:
    sixth, half, zero, one = (tirx.const(value, dtype) for value in (1 / 6, 0.5, 0.0, 1.0))
    return tirx.min(tirx.max(x * sixth + half, zero), one)


# As with every operator of TVM's own, once for the process.
register_op(_NAME, "clamp(x / 6 + 1/2, 0, 1)", TVectorizable=True, TCallEffectKind=_PURE)
tirx.register_intrin_lowering(_NAME, target="default", f=_lowered)
