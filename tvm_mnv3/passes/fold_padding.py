"""FoldPadding: zeros padded around the input of a convolution become the convolution's own padding.

TensorFlow's SAME padding of a strided convolution is asymmetric, so PyTorch networks with its weights (timm's
``tf_*``) pad in an operator of its own.
"""

from __future__ import annotations

from tvm_mnv3.compat import Call, IRModule, relax
from tvm_mnv3.passes.dataflow import Dataflow, Writer, operator, rewrite


def fold_padding(module: IRModule) -> IRModule:
    """Move zero padding of height and width into the NCHW convolutions that read it."""
    flow = Dataflow.of(module)

    def rule(writer: Writer, var: relax.Var, value: relax.Expr) -> bool:
        if operator(value) != "nn.conv2d" or value.attrs.data_layout != "NCHW":
            return False
        pad = flow.value(value.args[0])
        margins = _margins(pad)
        if margins is None:
            return False
        writer.bind(var, _padded(value, pad.args[0], margins))
        return True

    return rewrite(module, rule)


def _margins(value: relax.Expr) -> tuple[int, ...] | None:
    """Top, left, bottom and right of a padding with zeros of an NCHW map; None if it is none."""
    if operator(value) != "nn.pad" or value.attrs.pad_mode != "constant" or float(value.attrs.pad_value) != 0:
        return None
    widths = [int(width) for width in value.attrs.pad_width]
    if len(widths) != 8 or any(widths[:4]) or any(width < 0 for width in widths):
        return None
    top, bottom, left, right = widths[4:]
    return top, left, bottom, right


def _padded(convolution: Call, data: relax.Expr, margins: tuple[int, ...]) -> relax.Expr:
    attrs = convolution.attrs
    return relax.op.nn.conv2d(
        data,
        convolution.args[1],
        strides=list(attrs.strides),
        padding=[int(own) + margin for own, margin in zip(attrs.padding, margins, strict=True)],
        dilation=list(attrs.dilation),
        groups=int(attrs.groups),
        data_layout=attrs.data_layout,
        kernel_layout=attrs.kernel_layout,
        out_layout=attrs.out_layout,
        out_dtype=attrs.out_dtype,
    )
