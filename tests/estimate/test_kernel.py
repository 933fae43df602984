"""A kernel whose every instruction and line is known: counts are exact, and simulated caches hold what fits them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvm_mnv3.codegen.toolchain import compile_c, link_shared
from tvm_mnv3.errors import EnvironmentProblem, InputError
from tvm_mnv3.estimate import DEFAULT_CACHES, Figures, estimate_kernel
from tvm_mnv3.estimate.tools import Tools

pytestmark = pytest.mark.emulated

TRIPLE = "aarch64-linux-gnu.2.28"


@pytest.fixture(scope="module")
def stream(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stream")
    objects = compile_c([Path(__file__).with_name("stream.S")], triple=TRIPLE, out=folder)
    return link_shared(objects, triple=TRIPLE, out=folder / "libstream.so", exports=["stream"], soname="libstream.so")


def of_lines(library: Path, lines: int, core: str = "cortex-a76") -> Figures:
    return estimate_kernel(library, "stream", lines, [64 * lines], core, DEFAULT_CACHES)


def test_counts_are_exact(stream: Path) -> None:
    figures = of_lines(stream, 1000)
    assert figures.instructions == 4 * 1000 + 2
    assert figures.vector_multiply_adds == 1000
    assert (figures.loads, figures.stores) == (1000, 0)


@pytest.mark.parametrize(
    ("lines", "misses"),
    [(512, (0, 0, 0)), (4096, (4096, 0, 0)), (16384, (16384, 16384, 0)), (65536, (65536, 65536, 65536))],
    ids=["in L1", "in L2", "in L3", "in memory"],
)
def test_warm_stream_misses_in_the_caches_that_it_does_not_fit(
    stream: Path, lines: int, misses: tuple[int, ...]
) -> None:
    # The marks around the call touch a few lines of libc's.
    assert of_lines(stream, lines).misses == pytest.approx(misses, abs=8)


def test_each_core_is_priced_by_its_own_models(stream: Path) -> None:
    wide = of_lines(stream, 1000).cycles
    assert set(wide) == {"n1w", "n1"}
    # In LLVM's model a multiply-add waits 4 cycles for the sum of the one before (the core itself forwards it after 2).
    assert wide["n1w"] == pytest.approx(4000, rel=0.05)
    little = of_lines(stream, 1000, "cortex-a55").cycles
    assert set(little) == {"a55"}
    assert little["a55"] > wide["n1"]


def test_kernel_that_is_not_there_is_named(stream: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="does not export nothing"):
        estimate_kernel(stream, "nothing", 1, [64], "cortex-a76")


def test_core_without_a_model_is_refused(stream: Path) -> None:
    with pytest.raises(InputError, match="no model of the core 'host'"):
        estimate_kernel(stream, "stream", 1, [64], "host")
