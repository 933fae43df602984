from __future__ import annotations

import pytest

from tvm_mnv3.cli.options import parse_input_shapes
from tvm_mnv3.errors import InputError


def test_input_shapes_are_parsed_by_name() -> None:
    assert parse_input_shapes(None) == {}
    assert parse_input_shapes(["input=1,3,224,224", "a=b=2x5"]) == {"input": (1, 3, 224, 224), "a=b": (2, 5)}


@pytest.mark.parametrize("text", ["", "input", "input=", "=1,3", "input=1,,3", "input=1,-3", "input=1,N", "input=1.5"])
def test_what_is_no_input_shape_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match=r"--input-shape .*input=1,3,224,224"):
        parse_input_shapes([text])


def test_an_input_named_twice_is_refused() -> None:
    with pytest.raises(InputError, match="'input' twice"):
        parse_input_shapes(["input=1,3", "input=1,4"])
