"""A whole network's estimate: the same every time, the work that the manifest names, nothing lost between kernels."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tvm_mnv3.codegen.bundle import Bundle, open_bundle
from tvm_mnv3.errors import InputError
from tvm_mnv3.estimate import Estimate, estimate, parse_caches
from tvm_mnv3.estimate.tools import Tools
from tvm_mnv3.options import CompileOptions

pytestmark = [pytest.mark.emulated, pytest.mark.slow]


@pytest.fixture(scope="module")
def bundle(compiled: Callable[[CompileOptions], Bundle], tools: Tools) -> Bundle:
    options = CompileOptions("mobilenet_v3_small", core="cortex-a76", weights="random", input_size=64)
    return compiled(options)


@pytest.fixture(scope="module")
def estimated(bundle: Bundle) -> Estimate:
    return estimate(bundle)


def test_second_estimate_is_equal(bundle: Bundle, estimated: Estimate) -> None:
    assert estimate(bundle.path, "cortex-a76") == estimated


def test_network_runs_the_multiply_adds_that_it_needs(bundle: Bundle, estimated: Estimate) -> None:
    needed = bundle.manifest.sizes["multiply_adds"] / 4
    assert estimated.total.vector_multiply_adds == pytest.approx(needed, rel=0.12)
    assert estimated.floor["n1"] == needed / 2


def test_kernels_and_the_rest_add_up_to_the_total(estimated: Estimate) -> None:
    parts = [*(kernel.figures for kernel in estimated.kernels), estimated.rest]
    total = estimated.total
    assert sum(part.instructions for part in parts) == total.instructions
    assert tuple(map(sum, zip(*(part.misses for part in parts), strict=True))) == total.misses
    for model, cycles in total.cycles.items():
        assert sum(part.cycles.get(model, 0.0) for part in parts) == pytest.approx(cycles, rel=1e-6)
    # Driver, memcpy and exp are no place for the work.
    assert estimated.rest.instructions < total.instructions / 100


def test_pointwise_kernels_run_above_their_floor(bundle: Bundle, estimated: Estimate) -> None:
    assert [kernel.symbol for kernel in estimated.kernels] == [kernel.symbol for kernel in bundle.manifest.kernels]
    # Depthwise kernels skip what falls on padding, which counts as a multiply-add.
    pointwise = [kernel for kernel in estimated.kernels if kernel.symbol.startswith("pointwise")]
    assert len(pointwise) > 10
    for kernel in pointwise:
        assert kernel.figures.vector_multiply_adds >= kernel.multiply_adds / 4, kernel.symbol
        assert kernel.floor["n1w"] < kernel.figures.cycles["n1w"] <= kernel.figures.cycles["n1"] * 1.001, kernel.symbol


def test_estimate_reads_back_from_its_json(estimated: Estimate) -> None:
    assert Estimate.from_json(estimated.to_json()) == estimated


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"models": [{"name": "n1"}]}'])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no estimate"):
        Estimate.from_json(text)


def test_other_core_has_other_cycles_and_the_same_counts(bundle: Bundle, estimated: Estimate) -> None:
    little = estimate(bundle, "cortex-a53", parse_caches("32K/4"))
    assert little.total.instructions == estimated.total.instructions
    assert set(little.total.cycles) == {"a53"}
    assert little.total.cycles["a53"] > estimated.total.cycles["n1"]
    (misses,) = little.total.misses
    assert misses > estimated.total.misses[0]


def test_a_kernel_in_float32_has_its_floor_in_a_float16_network(
    compiled: Callable[[CompileOptions], Bundle], tools: Tools
) -> None:
    half = CompileOptions("mobilenet_v3_small", core="cortex-a76", precision="fp16", weights="random", input_size=32)
    found = estimate(compiled(half), caches=())
    floors = {kernel.floor["n1"] * 2 / kernel.multiply_adds for kernel in found.kernels if kernel.multiply_adds}
    assert floors == {1 / 4, 1 / 8}  # of four and of eight lanes
    assert found.floor["n1"] == sum(kernel.floor["n1"] for kernel in found.kernels)


def test_library_that_changed_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(bundle.path, copy)
    with (copy / bundle.manifest.library).open("ab") as library:
        library.write(b"x")
    with pytest.raises(InputError, match="is not the file that was compiled"):
        estimate(open_bundle(copy))
