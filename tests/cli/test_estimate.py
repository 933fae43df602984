from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from emulation import required
from support.command_line import MODEL, Invoke, assert_refused

from tvm_mnv3.codegen.bundle import Bundle
from tvm_mnv3.devices.emulated import glibc_loader
from tvm_mnv3.estimate import Estimate
from tvm_mnv3.estimate.tools import find_tools
from tvm_mnv3.options import CompileOptions


@pytest.mark.emulated
@pytest.mark.slow
def test_estimate_prints_every_figure_with_its_kind_and_writes_it(
    invoke: Invoke, compiled: Callable[[CompileOptions], Bundle], tmp_path: Path
) -> None:
    required(glibc_loader)
    required(find_tools)
    bundle = compiled(CompileOptions(MODEL, core="cortex-a76", weights="random", input_size=64))
    file = tmp_path / "folder" / "estimate.json"
    result = invoke("estimate", bundle.path, "--json", file, "--cache-sizes", "32K/4,1M/16", "--top", "3")
    assert result.exit_code == 0, result.stderr
    written = Estimate.from_json(file.read_text())
    assert f"{written.total.instructions / 1e6:.2f} M (exact)" in result.stdout
    assert f"cycles, n1w           {written.total.cycles['n1w'] / 1e6:.2f} M" in result.stdout
    assert "no figure is a latency" in result.stdout
    assert "(simulated: 1M/16)" in result.stdout
    dearest = max(written.kernels, key=lambda kernel: kernel.figures.cycles["n1w"])
    rows = [line for line in result.stdout.splitlines() if line.startswith(("pointwise", "conv", "depthwise", "dense"))]
    assert len(rows) == 3
    assert dearest.symbol.startswith(rows[0].split()[0])


def test_bundle_for_this_machine_is_refused(invoke: Invoke, bundle: Path) -> None:
    assert_refused(invoke("estimate", bundle), 2, "is compiled for", "compile the model with --target arm")


def test_folder_that_is_no_bundle_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    assert_refused(invoke("estimate", tmp_path), 2, "is not a bundle")


def test_cache_sizes_of_another_form_are_refused(invoke: Invoke, bundle: Path) -> None:
    assert_refused(invoke("estimate", bundle, "--cache-sizes", "big"), 2, "--cache-sizes 'big'")
