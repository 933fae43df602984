"""What a kernel is in Relax: a private composite function, made from its workload alone.

A call of a composite is how a kernel stands in ``main`` after the passes. The function's attributes:

``Composite``
    ``tvm_mnv3.`` and the workload's operator.
``Workload``
    The workload's name.
``Operands``
    The role of each parameter. The roles, in their one order, each where the workload has it: ``data``, ``scale``,
    ``residual``, ``weight``, ``bias``, ``factor``, ``offset``; for ``se``: ``data``, ``weight1``, ``bias1``,
    ``weight2``, ``bias2``.

Activations have the workload's dtype, weights the one that they are stored in, and biases are float32: a kernel that
sums in float16 adds them as exactly as it can. The body begins by bringing all of them to the workload's dtype. What
the prologue ``affine`` works on is float32, or uint8 pixels.

Its body says in ordinary operators what the kernel computes, so any Relax runtime can run it: the oracle of the tests.
A ``depthwise`` with ``pool`` returns the pair (activation, mean), with ``rowpool`` (activation, mean of each row);
every other kernel one tensor.
"""

from __future__ import annotations

from tvm_mnv3.compat import relax
from tvm_mnv3.passes.activations import BUILDERS
from tvm_mnv3.passes.dataflow import dtype
from tvm_mnv3.workload import ACTIVATIONS, Workload


def operands(workload: Workload) -> dict[str, tuple[int, ...]]:
    """The shape of each operand by its role, in the canonical order.

    Activations are NHWC, but for ``dense``'s [N, I] and the NCHW data of a network's first convolution. Weights are
    OHWI for ``conv`` and ``pointwise``, [C, kh, kw, 1] for ``depthwise``, [O, I] for ``dense``, [S, C] and [C, S] for
    ``se``. Biases have one axis.
    """
    w, c, o = workload, workload.in_channels, workload.out_channels
    if w.operator == "se":
        return {"data": (w.batch, 1, 1, c), "weight1": (o, c), "bias1": (o,), "weight2": (c, o), "bias2": (c,)}
    if w.operator == "dense":
        data: tuple[int, ...] = (w.batch, c)
    elif w.layout == "nchw":
        data = (w.batch, c, w.height, w.width)
    else:
        data = (w.batch, w.height, w.width, c)
    shapes = {"data": data}
    if "scale" in w.prologue:
        shapes["scale"] = (w.batch, 1, 1, c)
    if "add" in w.epilogue:
        shapes["residual"] = output_shape(w)
    if w.operator != "pool":
        shapes["weight"] = _weight_shape(w)
    if "bias" in w.epilogue:
        shapes["bias"] = (o,)
    if "affine" in w.prologue:
        shapes.update(factor=(c,), offset=(c,))
    return shapes


def operand_dtype(workload: Workload, role: str) -> str:
    """The dtype of the operand of that role."""
    if "affine" in workload.prologue and role in ("data", "factor", "offset"):
        return "uint8" if role == "data" and workload.layout == "pixels" else "float32"
    if role.startswith("weight"):
        return workload.stored_dtype
    return "float32" if role.startswith("bias") else workload.dtype


def output_shape(workload: Workload) -> tuple[int, ...]:
    """The shape of the (first) output."""
    w = workload
    if w.operator == "dense":
        return (w.batch, w.out_channels)
    if w.operator in ("se", "pool"):
        return (w.batch, 1, 1, w.in_channels)
    return (w.batch, w.out_height, w.out_width, w.out_channels)


def composite_function(workload: Workload) -> relax.Function:
    """The private composite function of a workload."""
    roles = operands(workload)
    parameters = {
        role: relax.Var(role, relax.TensorType(shape, operand_dtype(workload, role))) for role, shape in roles.items()
    }
    builder = relax.BlockBuilder()
    with builder.function("composite", list(parameters.values()), private=True):
        with builder.dataflow():
            widened = {role: _widened(builder, parameter, workload) for role, parameter in parameters.items()}
            result = builder.emit_output(_body(builder, workload, widened))
        builder.emit_func_output(result)
    function = builder.get()["composite"]
    return function.with_attrs(
        {"Composite": f"tvm_mnv3.{workload.operator}", "Workload": workload.name, "Operands": list(roles)}
    )


def _widened(builder: relax.BlockBuilder, parameter: relax.Var, workload: Workload) -> relax.Var:
    """A parameter in the dtype that is computed in; a float32 bias of float16 sums is rounded only here."""
    if dtype(parameter) == workload.dtype:
        return parameter
    return builder.emit(relax.op.astype(parameter, workload.dtype))


def _weight_shape(w: Workload) -> tuple[int, ...]:
    if w.operator == "dense":
        return (w.out_channels, w.in_channels)
    return (w.out_channels, w.kernel, w.kernel, 1 if w.operator == "depthwise" else w.in_channels)


def _body(builder: relax.BlockBuilder, w: Workload, p: dict[str, relax.Var]) -> relax.Expr:
    if w.operator == "se":
        return _squeeze_excite(builder, w, p)
    x = builder.emit(_operator(builder, w, p))
    pooled = None
    for step in w.epilogue:
        if step == "bias":
            x = builder.emit(relax.op.add(x, p["bias"]))
        elif step == "add":
            x = builder.emit(relax.op.add(x, p["residual"]))
        elif step == "pool":
            pooled = builder.emit(relax.op.mean(x, [1, 2], keepdims=True))
        elif step == "rowpool":
            pooled = builder.emit(relax.op.mean(x, [2], keepdims=True))
        else:
            x = builder.emit(BUILDERS[step](x))
    return x if pooled is None else relax.Tuple([x, pooled])


def _operator(builder: relax.BlockBuilder, w: Workload, p: dict[str, relax.Var]) -> relax.Expr:
    data = p["data"]
    if w.layout == "nchw":
        data = builder.emit(relax.op.permute_dims(data, [0, 2, 3, 1]))
    if "affine" in w.prologue:
        data = builder.emit(relax.op.add(builder.emit(relax.op.multiply(data, p["factor"])), p["offset"]))
    if "scale" in w.prologue:
        data = builder.emit(relax.op.multiply(data, p["scale"]))
    if w.operator == "pool":
        return relax.op.mean(data, [1, 2], keepdims=True)
    if w.operator == "dense":
        return relax.op.matmul(data, builder.emit(relax.op.permute_dims(p["weight"], [1, 0])))
    return relax.op.nn.conv2d(
        data,
        p["weight"],
        strides=w.stride,
        padding=list(w.padding),
        groups=w.in_channels if w.operator == "depthwise" else 1,
        data_layout="NHWC",
        kernel_layout="OHWI",
    )


def _squeeze_excite(builder: relax.BlockBuilder, w: Workload, p: dict[str, relax.Var]) -> relax.Expr:
    x = builder.emit(relax.op.reshape(p["data"], (w.batch, w.in_channels)))
    steps = [step for step in w.epilogue if step in ACTIVATIONS]
    for number, activation in enumerate(steps, start=1):
        weight = builder.emit(relax.op.permute_dims(p[f"weight{number}"], [1, 0]))
        x = builder.emit(relax.op.matmul(x, weight))
        x = builder.emit(relax.op.add(x, p[f"bias{number}"]))
        x = builder.emit(BUILDERS[activation](x))
    return relax.op.reshape(x, (w.batch, 1, 1, w.in_channels))
