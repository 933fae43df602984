"""The batch option and ``--input-shape`` give every input a static shape, or a sentence says why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tvm_mnv3.errors import InputError

#: A shape as a file declares it: numbers, names of symbols, None for an unnamed symbol.
DeclaredShape = Sequence[int | str | None]


def fix_shapes(
    source: str,
    declared: Mapping[str, DeclaredShape | None],
    batch: int,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
) -> dict[str, tuple[int, ...]]:
    """The static shapes of all inputs.

    A symbol that `input_shapes` fixes for one input has the same value in all others. A symbolic first
    dimension is the batch.

    Parameters
    ----------
    source
        The file's or network's name, for messages.
    declared
        Per input, in order; None where even the rank is unknown.
    batch
        The batch size wanted.
    input_shapes
        Whole shapes that the user fixed with ``--input-shape``.

    Raises
    ------
    InputError
        An unknown input, a shape or batch size that contradicts the declared one, a dimension left open.
    """
    if batch < 1:
        raise InputError(f"--batch {batch}: the batch size must be at least 1.")
    chosen = dict(input_shapes or {})
    for name in chosen:
        if name not in declared:
            names = ", ".join(declared) or "none"
            raise InputError(f"{source} has no input {name!r} (--input-shape); its inputs are {names}.")
    symbols: dict[str, int] = {}
    for name, shape in chosen.items():
        symbols.update(_agree(source, name, declared[name], shape))
    fixed = {name: _fill(source, name, chosen.get(name, shape), batch, symbols) for name, shape in declared.items()}
    _check_batch(source, fixed, batch)
    return fixed


def _agree(source: str, name: str, declared: DeclaredShape | None, chosen: Sequence[int]) -> dict[str, int]:
    """The values that `chosen` gives to the symbols of `declared`, or raise where the two contradict."""
    spelled = f"--input-shape {name}={','.join(map(str, chosen))}"
    if any(extent < 1 for extent in chosen):
        raise InputError(f"{source}: {spelled}: every dimension must be at least 1.")
    if declared is None:
        return {}
    if len(declared) != len(chosen) or any(
        isinstance(want, int) and want != have for want, have in zip(declared, chosen, strict=True)
    ):
        raise InputError(f"{source}: {spelled} does not fit the input, which is {_written(declared)}.")
    return {want: have for want, have in zip(declared, chosen, strict=True) if isinstance(want, str)}


def _fill(
    source: str, name: str, declared: DeclaredShape | None, batch: int, symbols: Mapping[str, int]
) -> tuple[int, ...]:
    """`declared` with numbers for symbols."""
    if declared is None:
        raise InputError(f"{source}: input {name!r} has no shape; give one: --input-shape {name}=1,3,224,224.")
    shape: list[int] = []
    for axis, extent in enumerate(declared):
        if isinstance(extent, int):
            shape.append(extent)
        elif extent is not None and extent in symbols:
            shape.append(symbols[extent])
        elif axis == 0:
            shape.append(batch)
        else:
            symbol = f" ({extent})" if extent else ""
            raise InputError(
                f"{source}: dimension {axis}{symbol} of input {name!r}, {_written(declared)}, is dynamic; "
                f"fix it: --input-shape {name}={_example(declared, batch)}."
            )
    return tuple(shape)


def _check_batch(source: str, shapes: Mapping[str, tuple[int, ...]], batch: int) -> None:
    """Raise where a picture's (else the first input's) fixed batch size is not the one wanted."""
    pictures = [name for name, shape in shapes.items() if len(shape) == 4]
    for name in pictures or list(shapes)[:1]:
        shape = shapes[name]
        if len(shape) >= 2 and shape[0] != batch:
            raise InputError(
                f"{source}: the batch size of input {name!r} is fixed at {shape[0]}, not {batch}; "
                f"use --batch {shape[0]}, or export the network with a dynamic batch dimension."
            )


def _written(shape: DeclaredShape) -> str:
    return "[" + ", ".join("?" if extent is None else str(extent) for extent in shape) + "]"


def _example(shape: DeclaredShape, batch: int) -> str:
    """A shape that the user may mean: a symbolic height or width of a picture is 224."""
    return ",".join(
        str(extent if isinstance(extent, int) else (batch if axis == 0 else 224)) for axis, extent in enumerate(shape)
    )
