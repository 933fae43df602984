import pytest

from tvm_mnv3.errors import InputError
from tvm_mnv3.frontend.static_shapes import DeclaredShape, fix_shapes

Declared = dict[str, DeclaredShape | None]


def test_symbolic_first_dimension_is_the_batch_named_or_not() -> None:
    declared: Declared = {"image": ["N", 3, 32, 32], "table": [None, 7]}
    assert fix_shapes("net", declared, 4) == {"image": (4, 3, 32, 32), "table": (4, 7)}


def test_symbol_fixed_for_one_input_holds_for_the_others() -> None:
    declared: Declared = {"left": ["N", 3, "H", "W"], "right": ["N", 1, "H", "W"]}
    shapes = fix_shapes("net", declared, 1, {"left": (1, 3, 48, 64)})
    assert shapes == {"left": (1, 3, 48, 64), "right": (1, 1, 48, 64)}


def test_unknown_rank_can_be_given() -> None:
    assert fix_shapes("net", {"x": None}, 1, {"x": (1, 5)}) == {"x": (1, 5)}


def test_fixed_first_dimension_of_a_side_input_is_no_batch() -> None:
    assert fix_shapes("net", {"image": [1, 3, 8, 8], "anchors": [10, 4]}, 1)["anchors"] == (10, 4)


@pytest.mark.parametrize(
    ("declared", "batch", "chosen", "said"),
    [
        ({"x": ["N", 3, "H", 224]}, 1, {}, r"dimension 2 \(H\) of input 'x'.*--input-shape x=1,3,224,224"),
        ({"x": ["N", 3, None, 224]}, 2, {}, r"dimension 2 of input 'x'.*--input-shape x=2,3,224,224"),
        ({"x": None}, 1, {}, r"input 'x' has no shape.*--input-shape x="),
        ({"x": [8, 3, 4, 4]}, 1, {}, r"input 'x' is fixed at 8, not 1; use --batch 8"),
        ({"x": [1, 10]}, 2, {}, r"fixed at 1, not 2"),
        ({"x": ["N", 3, 4, 4]}, 1, {"x": (2, 3, 4, 4)}, r"--batch 2"),
        ({"x": [1, 3, 4, 4]}, 1, {"x": (1, 3, 5, 4)}, r"x=1,3,5,4 does not fit.*\[1, 3, 4, 4\]"),
        ({"x": [1, 3, 4, 4]}, 1, {"x": (1, 3)}, r"does not fit"),
        ({"x": ["N", 3]}, 1, {"x": (0, 3)}, r"at least 1"),
        ({"x": ["N", 3]}, 0, {}, r"--batch 0"),
        ({"x": ["N", 3]}, 1, {"z": (1, 3)}, r"no input 'z'.*its inputs are x"),
    ],
)
def test_what_stays_open_or_contradicts_is_named(
    declared: Declared, batch: int, chosen: dict[str, tuple[int, ...]], said: str
) -> None:
    with pytest.raises(InputError, match=rf"^net.*{said}|^{said}"):
        fix_shapes("net", declared, batch, chosen)
