"""Tables 1 and 2 of "Searching for MobileNetV3" (arXiv:1905.02244), as data.

Each row is one bottleneck (``bneck``). The rows around them are the same in both tables: a 3x3 stem of 16 channels,
stride 2, hard-swish; after the bottlenecks a 1x1 convolution, the global average pool, a 1x1 convolution without batch
norm, and the classifier.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Row:
    """One bottleneck of the table.

    Parameters
    ----------
    kernel
        Side of the depthwise window ("Operator").
    expand
        Channels of the expansion ("exp size").
    out
        Channels of the output ("#out").
    se
        Whether there is a squeeze-and-excite block ("SE").
    activation
        ``relu`` or ``hswish`` ("NL": RE or HS).
    stride
        Of the depthwise convolution ("s").
    """

    kernel: int
    expand: int
    out: int
    se: bool
    activation: str
    stride: int


@dataclass(frozen=True)
class Table:
    """One of the two tables.

    Parameters
    ----------
    rows
        The bottlenecks in order.
    last_conv
        Channels of the 1x1 convolution before the pool.
    head
        Channels of the 1x1 convolution after it.
    activation
        Of the stem and of the two 1x1 convolutions.
    stem
        Channels of the stem.
    """

    rows: tuple[Row, ...]
    last_conv: int
    head: int
    activation: str = "hswish"
    stem: int = 16


#: Table 1: MobileNetV3-Large.
LARGE = Table(
    rows=(
        Row(3, 16, 16, False, "relu", 1),
        Row(3, 64, 24, False, "relu", 2),
        Row(3, 72, 24, False, "relu", 1),
        Row(5, 72, 40, True, "relu", 2),
        Row(5, 120, 40, True, "relu", 1),
        Row(5, 120, 40, True, "relu", 1),
        Row(3, 240, 80, False, "hswish", 2),
        Row(3, 200, 80, False, "hswish", 1),
        Row(3, 184, 80, False, "hswish", 1),
        Row(3, 184, 80, False, "hswish", 1),
        Row(3, 480, 112, True, "hswish", 1),
        Row(3, 672, 112, True, "hswish", 1),
        Row(5, 672, 160, True, "hswish", 2),
        Row(5, 960, 160, True, "hswish", 1),
        Row(5, 960, 160, True, "hswish", 1),
    ),
    last_conv=960,
    head=1280,
)

#: Table 2: MobileNetV3-Small.
SMALL = Table(
    rows=(
        Row(3, 16, 16, True, "relu", 2),
        Row(3, 72, 24, False, "relu", 2),
        Row(3, 88, 24, False, "relu", 1),
        Row(5, 96, 40, True, "hswish", 2),
        Row(5, 240, 40, True, "hswish", 1),
        Row(5, 240, 40, True, "hswish", 1),
        Row(5, 120, 48, True, "hswish", 1),
        Row(5, 144, 48, True, "hswish", 1),
        Row(5, 288, 96, True, "hswish", 2),
        Row(5, 576, 96, True, "hswish", 1),
        Row(5, 576, 96, True, "hswish", 1),
    ),
    last_conv=576,
    head=1024,
)


def minimalistic(table: Table) -> Table:
    """The table without what some hardware runs badly: no SE, ReLU in place of hard-swish, 3x3 in place of 5x5.

    Source: "MobileNetV3 minimalistic" of the TensorFlow models repository (research/slim/nets/mobilenet).
    """
    rows = tuple(replace(row, kernel=3, se=False, activation="relu") for row in table.rows)
    return replace(table, rows=rows, activation="relu")


def make_divisible(channels: float, divisor: int = 8) -> int:
    """The multiple of `divisor` nearest to a scaled channel count, at least `divisor`, never below 90 % of the count.

    Source: ``_make_divisible`` of the TensorFlow models repository (research/slim/nets/mobilenet/conv_blocks.py),
    which every published MobileNet follows.
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded
