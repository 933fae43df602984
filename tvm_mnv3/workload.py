"""A Workload: one kernel's problem, frozen and hashable, with a name that is a documented grammar.

The name is what the log, the profile, the manifest, the symbol table and error messages call the kernel::

    name      = operator [ "_n" batch ] [ "_k" k "s" s ] [ "_p" t "x" l "x" b "x" r ] [ "_h" H "w" W ]
                channels "_" dtype [ "_nchw" | "_pixels" ] { "_" prologue } { "_" epilogue }
    operator  = "conv" | "pointwise" | "depthwise" | "dense" | "pool" | "se"
    channels  = "_c" C                    depthwise, pool: as many out as in
              | "_i" I "_o" O             conv, pointwise, dense
              | "_c" C "_s" S             se: C channels, squeezed to S and back
    dtype     = "f32" | "f16" | "f32w16"
    prologue  = "scale" | "affine"
    epilogue  = "bias" | "relu" | "relu6" | "hswish" | "hsigmoid" | "add" | "pool" | "rowpool"

``f32w16`` is float32 arithmetic on weights that are stored as float16. Biases are float32 in all of them.

``_n`` is left out for batch 1, ``_p`` where the padding is ``k // 2`` on every side (0 for a pool). H and W are the
input's. Examples: ``pointwise_h14w14_i672_o112_f32_scale_bias_add``,
``depthwise_k5s2_h14w14_c672_f32_bias_hswish_pool``, ``se_c672_s168_f32_relu_hsigmoid``,
``conv_k3s2_h224w224_i3_o16_f32_nchw_bias_hswish``, ``conv_k3s2_h224w224_i3_o16_f32_pixels_affine_bias_hswish``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

OPERATORS = ("conv", "pointwise", "depthwise", "dense", "pool", "se")
ACTIVATIONS = ("relu", "relu6", "hswish", "hsigmoid")
PROLOGUES = ("scale", "affine")
LAYOUTS = ("nhwc", "nchw", "pixels")
#: In the order in which a kernel applies them.
EPILOGUES = ("bias", *ACTIVATIONS, "add", "pool", "rowpool")
#: Those that make a second output: a depthwise kernel's means.
POOLING = ("pool", "rowpool")
DTYPES = ("float32", "float16")
#: By the dtype of activations and arithmetic, and that of stored weights.
_DTYPE_TOKENS = {("float32", None): "f32", ("float16", None): "f16", ("float32", "float16"): "f32w16"}

_NAME = re.compile(
    r"(?P<operator>conv|pointwise|depthwise|dense|pool|se)"
    r"(?:_n(?P<batch>\d+))?"
    r"(?:_k(?P<kernel>\d+)s(?P<stride>\d+))?"
    r"(?:_p(?P<padding>\d+x\d+x\d+x\d+))?"
    r"(?:_h(?P<height>\d+)w(?P<width>\d+))?"
    r"(?:_c(?P<c>\d+))?(?:_s(?P<s>\d+))?(?:_i(?P<i>\d+))?(?:_o(?P<o>\d+))?"
    r"_(?P<dtype>f32w16|f32|f16)(?P<layout>_nchw|_pixels)?(?P<rest>(?:_[a-z0-9]+)*)"
)


@dataclass(frozen=True)
class Workload:
    """One kernel's problem.

    Parameters
    ----------
    operator
        One of `OPERATORS`.
    in_channels, out_channels
        Equal for ``depthwise`` and ``pool``. For ``se``, `out_channels` is the squeezed width S; what goes in
        and comes out has `in_channels`.
    batch, height, width
        Of the input; ``dense`` and ``se`` have height and width 1.
    kernel, stride
        Of a convolution's square window; ``pointwise`` has 1 and 1 (a strided one is a ``conv``).
    padding
        Zeros at (top, left, bottom, right).
    dtype
        ``float32`` or ``float16``: of activations, arithmetic and the output.
    weights_dtype
        ``float16`` where the weights (not the biases) of a ``float32`` kernel are stored so and widened as they are
        read; None where they are stored as they are computed with.
    layout
        Of the input: ``nhwc``; of a network's first convolution also ``nchw``, or ``pixels``: NHWC of uint8, as a
        picture lies in memory. Every output is NHWC.
    prologue
        ``("scale",)``: the input is multiplied by one number per picture and channel on its way in. ``("affine",)``:
        the input, float32 or uint8, is multiplied by a constant factor per channel, and a constant offset is added;
        padding is zero after that.
    epilogue
        What is applied before the value is stored, in order. ``add`` adds a residual. ``pool`` makes a second
        output, the mean over height and width of the (activated) first one.
    """

    operator: str
    in_channels: int
    out_channels: int
    batch: int = 1
    height: int = 1
    width: int = 1
    kernel: int = 1
    stride: int = 1
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dtype: str = "float32"
    weights_dtype: str | None = None
    layout: str = "nhwc"
    prologue: tuple[str, ...] = ()
    epilogue: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise ValueError(f"unknown operator {self.operator!r}; one of {', '.join(OPERATORS)}")
        if self.dtype not in DTYPES:
            raise ValueError(f"unknown dtype {self.dtype!r}; one of {', '.join(DTYPES)}")
        if self._dtypes not in _DTYPE_TOKENS:
            raise ValueError(f"{self.dtype} kernels cannot store weights as {self.weights_dtype!r}")
        if self.weights_dtype is not None and self.operator == "pool":
            raise ValueError(f"a pool has no weights to store as {self.weights_dtype}")
        if self.layout not in LAYOUTS:
            raise ValueError(f"unknown layout {self.layout!r}; one of {', '.join(LAYOUTS)}")
        if ("affine" in self.prologue or self.layout == "pixels") and self.operator != "conv":
            raise ValueError(f"a {self.operator} does not normalize its input")
        if "affine" in self.prologue and self.dtype != "float32":
            raise ValueError("a kernel that normalizes its input computes in float32")
        if self.layout == "pixels" and "affine" not in self.prologue:
            raise ValueError("pixels become numbers by the prologue affine")
        unknown = (set(self.prologue) - set(PROLOGUES)) | (set(self.epilogue) - set(EPILOGUES))
        if unknown:
            raise ValueError(f"unknown prologue or epilogue {', '.join(sorted(unknown))}")

    @property
    def out_height(self) -> int:
        """Rows of the output."""
        top, _, bottom, _ = self.padding
        return (self.height + top + bottom - self.kernel) // self.stride + 1

    @property
    def out_width(self) -> int:
        """Columns of the output."""
        _, left, _, right = self.padding
        return (self.width + left + right - self.kernel) // self.stride + 1

    @property
    def _dtypes(self) -> tuple[str, str | None]:
        return self.dtype, self.weights_dtype

    @property
    def stored_dtype(self) -> str:
        """The dtype that the weights (not the biases) are stored in."""
        return self.weights_dtype or self.dtype

    @property
    def activation(self) -> str | None:
        """The activation of the epilogue, if it has one (of an ``se``: the gate's)."""
        return next((e for e in reversed(self.epilogue) if e in ACTIVATIONS), None)

    @property
    def pools(self) -> bool:
        """Whether there is a second output: the output's mean, or that of each of its rows."""
        return not set(self.epilogue).isdisjoint(POOLING)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one run, counting the taps that fall on padding."""
        if self.operator == "se":
            return 2 * self.batch * self.in_channels * self.out_channels
        if self.operator == "pool":
            return 0
        pixels = self.batch * self.out_height * self.out_width
        per_output = self.kernel**2 * (1 if self.operator == "depthwise" else self.in_channels)
        return pixels * self.out_channels * per_output

    @property
    def name(self) -> str:
        """The name, in the grammar of this module's docstring."""
        parts = [self.operator]
        if self.batch != 1:
            parts.append(f"n{self.batch}")
        if self.operator in ("conv", "depthwise"):
            parts.append(f"k{self.kernel}s{self.stride}")
            if self.padding != (self.kernel // 2,) * 4:
                parts.append("p" + "x".join(map(str, self.padding)))
        if self.operator not in ("dense", "se"):
            parts.append(f"h{self.height}w{self.width}")
        parts.extend(self._channels())
        parts.append(_DTYPE_TOKENS[self._dtypes])
        if self.layout != "nhwc":
            parts.append(self.layout)
        return "_".join((*parts, *self.prologue, *self.epilogue))

    def _channels(self) -> tuple[str, ...]:
        if self.operator in ("depthwise", "pool"):
            return (f"c{self.in_channels}",)
        if self.operator == "se":
            return (f"c{self.in_channels}", f"s{self.out_channels}")
        return (f"i{self.in_channels}", f"o{self.out_channels}")

    @classmethod
    def parse(cls, name: str) -> Workload:
        """The workload of a name.

        Raises
        ------
        ValueError
            The name is not in the grammar.
        """
        m = _NAME.fullmatch(name)
        if m is None:
            raise ValueError(f"{name!r} is not a workload's name")
        operator = m["operator"]
        number = {
            key: int(m[key]) for key in ("batch", "kernel", "stride", "height", "width", "c", "s", "i", "o") if m[key]
        }
        kernel = number.get("kernel", 1)
        padding = tuple(int(p) for p in m["padding"].split("x")) if m["padding"] else (kernel // 2,) * 4
        rest = [part for part in m["rest"].split("_") if part]
        c = number.get("c", 0)
        dtype, weights_dtype = {token: dtypes for dtypes, token in _DTYPE_TOKENS.items()}[m["dtype"]]
        workload = cls(
            operator=operator,
            in_channels=number.get("i", c),
            out_channels=number.get("o", number.get("s", c)),
            batch=number.get("batch", 1),
            height=number.get("height", 1),
            width=number.get("width", 1),
            kernel=kernel,
            stride=number.get("stride", 1),
            padding=(padding[0], padding[1], padding[2], padding[3]),
            dtype=dtype,
            weights_dtype=weights_dtype,
            layout=m["layout"][1:] if m["layout"] else "nhwc",
            prologue=tuple(p for p in rest if p in PROLOGUES),
            epilogue=tuple(p for p in rest if p not in PROLOGUES),
        )
        if workload.name != name:
            raise ValueError(f"{name!r} is not a workload's name in its one spelling; {workload.name!r} is")
        return workload
