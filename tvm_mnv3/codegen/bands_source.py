"""The C of bottlenecks that run by bands of rows: sizes and kernels for the loops of ``runtime/bands.h``."""

from __future__ import annotations

from collections.abc import Callable

from .bands import Bands, Part, pixel_bytes
from .program import Place

_STATE = "  const state_t *s = (const state_t *)state;\n  (void)s;\n"


def bands_source(bands: Bands, step: int, scratch: int, address: Callable[[Place], str]) -> str:
    """The task function of the driver's step of that number.

    Parameters
    ----------
    scratch
        Where in the arena the windows lie.
    address
        The C expression of a place.
    """
    wide = "(const void *)wide" if bands.expand else address(bands.depthwise.step.operands[0])
    functions = [
        _depthwise(bands.depthwise, step, wide, address),
        _pointwise(bands.project, f"step_{step}_project", "uintptr_t deep", ("(const void *)deep", None), address),
    ]
    if bands.expand:
        functions.insert(
            0, _pointwise(bands.expand, f"step_{step}_expand", "uintptr_t wide", (None, "(void *)wide"), address)
        )
    expand = f"step_{step}_expand" if bands.expand else "0"
    return "\n\n".join(
        [
            *functions,
            f"static void step_{step}(void *state, int32_t begin, int32_t end) {{\n"
            f"  static const int32_t starts[] = {{{', '.join(map(str, bands.starts))}}};\n"
            f"  static const bands_sizes sizes = {{{', '.join(map(str, _sizes(bands)))}}};\n"
            f"  static const bands_kernels kernels = {{{expand}, step_{step}_depthwise, step_{step}_project}};\n"
            "  state_t *s = (state_t *)state;\n"
            "  const int32_t slot = slot_take(&s->slots);\n"
            f"  uint8_t *windows = s->arena + {scratch} + slot * {bands.window_bytes};\n"
            "  bands_rows(&sizes, &kernels, s, windows, starts[begin], starts[end]);\n"
            "  slot_give(&s->slots, slot);\n"
            "}",
        ]
    )


def _sizes(bands: Bands) -> tuple[int, ...]:
    """In the order of ``bands_sizes``."""
    w, expand, project = bands.depthwise.workload, bands.expand, bands.project
    return (
        *(w.height, w.width, w.out_height, w.out_width),
        *(w.kernel, w.stride, w.padding[0]),
        bands.rows,
        *((expand.tile, expand.tiles) if expand else (1, 0)),
        *(project.tile, project.tiles),
        *(pixel_bytes(w), pixel_bytes(w)),
        *(bands.wide_origin, bands.deep_origin),
    )


def _depthwise(part: Part, step: int, wide: str, address: Callable[[Place], str]) -> str:
    weights = [address(place) for place in part.step.operands[1:-1]]
    operands = ", ".join([wide, *weights, "(void *)deep", f"first * {part.columns}", f"end * {part.columns}"])
    return (
        f"static void step_{step}_depthwise(const void *state, uintptr_t wide, uintptr_t deep, int32_t first, "
        "int32_t end) {\n"
        f"{_STATE}  (void)wide;\n"
        f"  {part.step.kernel}({operands});\n"
        "}"
    )


def _pointwise(
    part: Part, name: str, window: str, ends: tuple[str | None, str | None], address: Callable[[Place], str]
) -> str:
    """`ends` are data and output where a window takes their place."""
    data, output = (given or address(part.step.operands[end]) for given, end in zip(ends, (0, -1), strict=True))
    operands = ", ".join([data, *(address(place) for place in part.step.operands[1:-1]), output])
    call = f"{part.step.kernel}({operands}, block + first, block + end);"
    return (
        f"static void {name}(const void *state, {window}, int32_t first, int32_t end) {{\n"
        f"{_STATE}"
        f"  for (int32_t block = 0; block < {part.columns * part.tiles}; block += {part.tiles}) {call}\n"
        "}"
    )
