"""The option that names caches."""

from __future__ import annotations

import pytest

from tvm_mnv3.errors import InputError
from tvm_mnv3.estimate.caches import DEFAULT_CACHES, Cache, parse_caches


def test_default_reads_back_from_its_own_text() -> None:
    text = ",".join(map(str, DEFAULT_CACHES))
    assert text == "64K/4,512K/8,2M/16"
    assert parse_caches(text) == DEFAULT_CACHES


def test_spaces_and_small_letters_are_taken() -> None:
    assert parse_caches("32k/4, 128k/4") == (Cache(32768, 4), Cache(131072, 4))


@pytest.mark.parametrize("text", ["", "64K", "64/4", "64K/", "64K/4,", "64G/4", "-1K/4"])
def test_text_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not size and ways of each level"):
        parse_caches(text)


@pytest.mark.parametrize("text", ["64K/0", "0K/4", "1K/3"])
def test_cache_that_cannot_be_is_named(text: str) -> None:
    with pytest.raises(InputError, match=f"{text} cannot be"):
        parse_caches(f"64K/4,{text}")


def test_too_many_levels_are_refused() -> None:
    with pytest.raises(InputError, match="names 5 levels"):
        parse_caches(",".join(["64K/4"] * 5))
