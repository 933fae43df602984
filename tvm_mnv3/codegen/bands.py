"""Bottlenecks that run by bands of rows, so that the wide tensor inside never leaves the second-level cache.

Expansion (where there is one), depthwise convolution and projection become one step of the driver; the kernels stay as
they are (see ``runtime/bands.h``, and docs/fusion.md for what it brings). A squeeze-excite block between them forbids
it, because its mean needs the whole picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd

from tvm_mnv3.schedules.template import as_numpy_dtype
from tvm_mnv3.targets import Core
from tvm_mnv3.workload import Workload

from .kernels import Kernel
from .lowering import LoweredKernel
from .program import ALIGNMENT, Program, Step, aligned, passed_on_once

#: Tasks of a bottleneck: as many as a phone has big cores. Each expands the rows at its edge for itself and has windows
#: of its own.
TASKS = 4
#: Part of the second-level cache that the windows of one task may fill; weights and the narrow tensors pass by them.
_WINDOW_SHARE = 0.65
#: Part of the first-level cache that the only window of a bottleneck without expansion may fill.
_NEAR_SHARE = 1 / 3
#: Rows of a band, at most: measured on the host, docs/fusion.md.
_MOST_ROWS = 7
#: Tensors that a kernel leaves to the next in so many times the second-level cache are no trouble, unless they are
#: larger than so many bytes: then they are a trouble for one of 2 MB as well. Measured, too.
_WIDE, _WIDE_BYTES = 1.8, 1_500_000


@dataclass(frozen=True)
class Part:
    """One kernel of a bottleneck.

    Parameters
    ----------
    step
        As it is in the program without bands.
    tiles
        Of a pointwise kernel, the tiles of pixels of the picture.
    tile
        Pixels of a tile.
    columns
        How many times the tiles follow each other in the kernel's tasks, once per block of channels
        (`GemmKnobs.order`); of a depthwise kernel, the tasks of a row.
    """

    step: Step
    workload: Workload
    tiles: int = 0
    tile: int = 0
    columns: int = 1


@dataclass(frozen=True)
class Bands:
    """A bottleneck that runs by bands.

    Parameters
    ----------
    name
        Of its step.
    first
        The number of its first step in the program without bands.
    expand
        None where the bottleneck begins with the depthwise convolution.
    rows
        Of the depthwise output, in a band.
    starts
        The first row of each task, and the end of the last.
    wide_origin, deep_origin
        Where in a task's windows the first row of a band begins: of the depthwise input and output, in bytes.
    window_bytes
        Of one task.
    """

    name: str
    first: int
    expand: Part | None
    depthwise: Part
    project: Part
    rows: int
    starts: tuple[int, ...]
    wide_origin: int
    deep_origin: int
    window_bytes: int

    @property
    def parts(self) -> tuple[Part, ...]:
        """The kernels in order."""
        return (self.depthwise, self.project) if self.expand is None else (self.expand, self.depthwise, self.project)

    @property
    def tasks(self) -> int:
        """How many there are."""
        return len(self.starts) - 1

    @property
    def length(self) -> int:
        """How many steps they replace."""
        return len(self.parts)

    @property
    def step(self) -> Step:
        """What replaces them; of its operands only their lives matter: the parts say what each kernel gets."""
        inner = {part.step.operands[-1] for part in self.parts[:-1]}
        return Step(
            self.name, tuple(place for part in self.parts for place in part.step.operands if place not in inner)
        )

    @property
    def scratch_bytes(self) -> int:
        """Of all tasks."""
        return self.tasks * self.window_bytes


def find_bands(
    program: Program, kernels: Mapping[str, Kernel], lowered: Mapping[str, LoweredKernel], core: Core
) -> tuple[Bands, ...]:
    """The bottlenecks of a program whose wide tensors are larger than the core's second-level cache.

    Parameters
    ----------
    kernels, lowered
        Of the program's steps, by symbol.
    """
    parts = [_part(step, kernels, lowered) for step in program.steps]
    alone = passed_on_once(program.steps)
    found: list[Bands] = []
    number = 0
    while number < len(parts):
        for operators in (("pointwise", "depthwise", "pointwise"), ("depthwise", "pointwise")):
            group = [part for part in parts[number : number + len(operators)] if part is not None]
            inner = alone[number : number + len(operators) - 1]
            if tuple(part.workload.operator for part in group) == operators and all(inner):
                bands = _bands(f"bands_{len(found)}", number, group, core)
                if bands is not None:
                    found.append(bands)
                    number += len(operators) - 1
                    break
        number += 1
    return tuple(found)


def _part(step: Step, kernels: Mapping[str, Kernel], lowered: Mapping[str, LoweredKernel]) -> Part | None:
    """What one step could be in a bottleneck; None where it could be nothing."""
    kernel = kernels[step.kernel] if step.kernel is not None else None
    if kernel is None or kernel.workload is None or kernel.workload.batch != 1:
        return None
    workload, tasks = kernel.workload, lowered[kernel.symbol].tasks
    if workload.operator == "depthwise" and not workload.pools:
        return Part(step, workload, columns=tasks // workload.out_height)
    if workload.operator == "pointwise" and "scale" not in workload.prologue and kernel.knobs["blocks"] == 1:
        tile = int(kernel.knobs["rows"])
        tiles = -(-workload.out_height * workload.out_width // tile)
        return Part(step, workload, tiles, tile, columns=tasks // tiles)
    return None


def _bands(name: str, first: int, group: Sequence[Part], core: Core) -> Bands | None:
    """The bottleneck of these kernels; None where it gains nothing or a kernel's tiles do not lend themselves to it."""
    *before, depthwise, project = group
    expand = before[0] if before else None
    w = depthwise.workload
    pixel = pixel_bytes(w)
    wide_row, deep_row = w.width * pixel, w.out_width * pixel
    pointwise = [part for part in (expand, project) if part is not None]
    if w.height * wide_row + w.out_height * deep_row <= min(_WIDE * core.l2_bytes, _WIDE_BYTES):
        return None
    # Kernels may read with the alignment of the whole tensor, so a window is shifted by whole cache lines.
    if wide_row % ALIGNMENT or deep_row % ALIGNMENT or any(part.tile > part.workload.width for part in pointwise):
        return None
    starts = task_starts(w.out_height, w.out_width, project.tile)
    wide_origin = aligned(expand.tile * pixel) if expand else 0
    deep_slack = aligned(project.tile * pixel)

    def sizes(rows: int) -> tuple[int, int]:
        """Of the first window, and of both."""
        wide = 2 * wide_origin + min((rows - 1) * w.stride + w.kernel, w.height) * wide_row if expand else 0
        return wide, wide + deep_slack + rows * deep_row

    def fits(rows: int) -> bool:
        if expand:
            return sizes(rows)[1] <= _WINDOW_SHARE * core.l2_bytes
        return rows * deep_row <= _NEAR_SHARE * core.l1_data_bytes

    rows = max(filter(fits, range(1, _MOST_ROWS + 1)), default=1)
    wide_bytes, window_bytes = sizes(rows)
    return Bands(
        name, first, expand, depthwise, project, rows, starts, wide_origin, wide_bytes + deep_slack, window_bytes
    )


def pixel_bytes(workload: Workload) -> int:
    """Of one pixel of a depthwise kernel's input, or of its output."""
    return workload.in_channels * as_numpy_dtype(workload).itemsize


def task_starts(height: int, width: int, tile: int) -> tuple[int, ...]:
    """Rows that share a picture of `height` rows and `width` columns among at most `TASKS` tasks.

    A tile of pixels begins with each of them. The last number is the height.
    """
    unit = tile // gcd(tile, width)
    units = height // unit
    tasks = max(1, min(TASKS, units))
    return (*(round(height * task / tasks / unit) * unit for task in range(tasks)), height)
