"""A table scaled by a width multiplier: every channel count of one network, still without weights or framework.

The two libraries scale differently (see `scaled_as_torchvision` and `scaled_as_timm`); at width 1 they agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tvm_mnv3.models.tables import Row, Table, make_divisible


@dataclass(frozen=True)
class Bottleneck:
    """One inverted residual block.

    Parameters
    ----------
    stage
        Counts from 0; a stage is a run of rows of the table with the same output channels (timm's names need it).
    in_channels, expanded, out_channels
        Channels in, within and out. There is no expansion convolution where `has_expansion` is false.
    squeezed
        Channels between the SE block's two layers; 0 without SE.
    kernel, stride
        Of the depthwise convolution.
    activation
        ``relu`` or ``hswish``, after the expansion and the depthwise convolution.
    """

    stage: int
    in_channels: int
    expanded: int
    out_channels: int
    squeezed: int
    kernel: int
    stride: int
    activation: str
    has_expansion: bool

    @property
    def has_residual(self) -> bool:
        """Whether the input is added to the output."""
        return self.stride == 1 and self.in_channels == self.out_channels


@dataclass(frozen=True)
class Architecture:
    """All channel counts of one network; `activation` is the stem's and the two last 1x1 convolutions'."""

    stem: int
    blocks: tuple[Bottleneck, ...]
    last_conv: int
    head: int
    activation: str


def scaled_as_torchvision(table: Table, width: float) -> Architecture:
    """Every number of the table times the width, the head's too (torchvision.models.mobilenetv3)."""

    def scaled(channels: int) -> int:
        return make_divisible(channels * width)

    blocks = _blocks(table, scaled(table.stem), scaled, lambda row, *_: scaled(row.expand))
    # Tables 1 and 2 both widen the last block's output sixfold.
    widening = table.last_conv // table.rows[-1].out
    return Architecture(
        stem=scaled(table.stem),
        blocks=blocks,
        last_conv=widening * blocks[-1].out_channels,
        head=scaled(table.head),
        activation=table.activation,
    )


def scaled_as_timm(table: Table, width: float) -> Architecture:
    """Outputs times the width, expansions as ratios of the scaled input, the head never scaled (timm, and Google's).

    Below width 0.75 the stem keeps its 16 channels (timm's ``fix_stem``).
    """

    def scaled(channels: int) -> int:
        return make_divisible(channels * width)

    def expanded(row: Row, table_in: int, scaled_in: int) -> int:
        return make_divisible(scaled_in * (row.expand / table_in))

    stem = table.stem if width < 0.75 else scaled(table.stem)
    return Architecture(
        stem=stem,
        blocks=_blocks(table, stem, scaled, expanded),
        last_conv=scaled(table.last_conv),
        head=table.head,
        activation=table.activation,
    )


def _blocks(
    table: Table,
    stem: int,
    scaled: Callable[[int], int],
    expanded: Callable[[Row, int, int], int],
) -> tuple[Bottleneck, ...]:
    """The bottlenecks; `expanded` gets the row, its input channels in the table and its scaled input channels."""
    blocks: list[Bottleneck] = []
    table_in, scaled_in, stage = table.stem, stem, 0
    for index, row in enumerate(table.rows):
        # The first row opens a stage of its own, although the stem has as many channels.
        if index and row.out != table_in:
            stage += 1
        has_expansion = row.expand != table_in
        middle = expanded(row, table_in, scaled_in) if has_expansion else scaled_in
        out = scaled(row.out)
        blocks.append(
            Bottleneck(
                stage=stage,
                in_channels=scaled_in,
                expanded=middle,
                out_channels=out,
                squeezed=make_divisible(middle / 4) if row.se else 0,
                kernel=row.kernel,
                stride=row.stride,
                activation=row.activation,
                has_expansion=has_expansion,
            )
        )
        table_in, scaled_in = row.out, out
    return tuple(blocks)
