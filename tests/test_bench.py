"""Bundles in turns."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from tvm_mnv3 import Bundle, CompileOptions
from tvm_mnv3.bench import BenchOptions, bench
from tvm_mnv3.errors import InputError

Compile = Callable[[CompileOptions], Bundle]
QUICK = CompileOptions("mobilenet_v3_small_035", target="host", weights="random", input_size=64)
OTHER = CompileOptions("mobilenet_v3_small_035", target="host", weights="random", input_size=64, batch=5)


def test_ratios_are_to_the_first_and_peers_take_turns_too(compiled: Compile, tmp_path: Path) -> None:
    file = tmp_path / "peer.onnx"
    shape = [1, 3, 64, 64]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("HardSwish", ["x"], ["y"])],
        "peer",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, shape)],
    )
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), file)
    first, second = compiled(QUICK).path, compiled(OTHER).path
    found = bench(BenchOptions((first, second), (file,), rounds=4, burst_seconds=0.02))
    assert [entry.name for entry in found.entries] == [str(first), str(second), str(file)]
    assert [entry.runtime.split()[0] for entry in found.entries] == ["tvm-mnv3", "tvm-mnv3", "onnxruntime"]
    one, _, _ = found.entries
    assert (one.ratio.value, one.ratio.low, one.ratio.high) == (1, 1, 1)
    for entry in found.entries:
        assert len(entry.round_medians_ms) == 4
        assert entry.ratio.low <= entry.ratio.value <= entry.ratio.high
        assert 0 < entry.p10_ms <= entry.median_ms <= entry.p90_ms
    assert json.loads(found.to_json())["kind"] == "bench"


def test_what_cannot_be_timed_is_refused(compiled: Compile, tmp_path: Path) -> None:
    path = compiled(QUICK).path
    with pytest.raises(InputError, match="says nothing about a phone's"):
        bench(BenchOptions((path,), device="emulated:cortex-a76"))
    with pytest.raises(InputError, match="twice"):
        bench(BenchOptions((path, path)))
    with pytest.raises(InputError, match="not a bundle"):
        bench(BenchOptions((tmp_path,)))
    with pytest.raises(InputError, match="no such file"):
        bench(BenchOptions((path,), (tmp_path / "missing.onnx",)))
    (tmp_path / "broken.onnx").write_text("no network")
    with pytest.raises(InputError, match=r"broken\.onnx"):
        bench(BenchOptions((path,), (tmp_path / "broken.onnx",)))
