"""A workload's name is its one spelling, and reads back."""

from __future__ import annotations

import dataclasses

import pytest
from support.workloads import FAMILY, ODD

from tvm_mnv3.workload import Workload


@pytest.mark.parametrize("name", [*FAMILY, *ODD])
def test_name_reads_back(name: str) -> None:
    assert Workload.parse(name).name == name


def test_stored_float16_weights_are_another_workload() -> None:
    plain = Workload.parse("dense_i8_o4_f32_bias")
    stored = dataclasses.replace(plain, weights_dtype="float16")
    assert stored.name == "dense_i8_o4_f32w16_bias"
    assert Workload.parse(stored.name) == stored != plain
    assert (plain.stored_dtype, stored.stored_dtype, stored.dtype) == ("float32", "float16", "float32")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("dense_i8_o4_f16", {"weights_dtype": "float16"}),
        ("dense_i8_o4_f32", {"weights_dtype": "float32"}),
        ("pool_h7w7_c8_f32", {"weights_dtype": "float16"}),
    ],
)
def test_what_has_a_name_already_or_no_weights_cannot_store_them_otherwise(name: str, changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="store"):
        dataclasses.replace(Workload.parse(name), **changes)


@pytest.mark.parametrize("name", ["pool_h7w7_c8_f32w16", "dense_i8_o4_f16w16", "dense_i8_o4_bias_f32", "dense_i8_o4"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"weights|not a workload's name"):
        Workload.parse(name)


@pytest.mark.parametrize(
    ("name", "changes", "problem"),
    [
        ("pointwise_h8w8_i4_o8_f32", {"prologue": ("affine",)}, "does not normalize its input"),
        ("conv_k3s1_h8w8_i3_o8_f16", {"prologue": ("affine",)}, "computes in float32"),
        ("conv_k3s1_h8w8_i3_o8_f32", {"layout": "pixels"}, "by the prologue affine"),
        ("conv_k3s1_h8w8_i3_o8_f32", {"layout": "chwn"}, "unknown layout"),
    ],
)
def test_what_no_kernel_does_is_no_workload(name: str, changes: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        dataclasses.replace(Workload.parse(name), **changes)
