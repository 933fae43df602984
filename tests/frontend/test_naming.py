import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvm_mnv3.frontend.naming import c_identifier


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("mobilenet_v3_large", "mobilenet_v3_large"),
        ("mobilenetv3_large_100.ra_in1k", "mobilenetv3_large_100_ra_in1k"),
        ("2024-01 my net", "m2024_01_my_net"),
        ("__net__", "net"),
        ("größe", "gr_e"),
        ("日本", "model"),
    ],
)
def test_names_become_c_identifiers(name: str, identifier: str) -> None:
    assert c_identifier(name) == identifier


@given(st.text())
def test_every_text_gives_a_c_identifier_that_stays_as_it_is(name: str) -> None:
    identifier = c_identifier(name)
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", identifier)
    assert c_identifier(identifier) == identifier
