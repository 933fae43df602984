from __future__ import annotations

import json
import shutil
from pathlib import Path

from support.command_line import Invoke, assert_refused


def test_profile_prints_kernels_and_writes_a_trace(invoke: Invoke, bundle: Path, tmp_path: Path) -> None:
    trace, data = tmp_path / "trace.json", tmp_path / "profile.json"
    result = invoke("profile", bundle, "--seconds", "0.2", "--top", "3", "--trace", trace, "--json", data)
    assert result.exit_code == 0, result.stderr
    for words in ("unprofiled", "sum of kernels", "profiling costs", "roofline", "GMAC/s", "default"):
        assert words in result.stdout
    steps = json.loads(data.read_text())["steps"]
    slowest = sorted(steps, key=lambda step: -step["microseconds"])[:3]
    for step in slowest:
        assert step["kernel"] in result.stdout
    assert len(json.loads(trace.read_text())["traceEvents"]) == len(steps) + 1
    assert_refused(invoke("profile", bundle, "--json", data), 2, "profile.json", "--force")
    assert_refused(invoke("profile", bundle, "--device", "emulated:cortex-a76"), 2, "phone", "estimate")


def test_bench_prints_ratios_to_the_first(invoke: Invoke, bundle: Path, tmp_path: Path) -> None:
    other = shutil.copytree(bundle, tmp_path / "other")
    data = tmp_path / "bench.json"
    result = invoke("bench", bundle, other, "--rounds", "2", "--burst", "0.01", "--json", data)
    assert result.exit_code == 0, result.stderr
    assert "1.000 to 1.000" in result.stdout
    assert "other" in result.stdout
    assert len(json.loads(data.read_text())["entries"]) == 2


def test_compare_fails_where_a_number_got_worse(invoke: Invoke, tmp_path: Path) -> None:
    def write(name: str, milliseconds: float) -> Path:
        (tmp_path / name).write_text(
            json.dumps({"kind": "bench", "device": "local", "entries": [{"name": "b", "median_ms": milliseconds}]})
        )
        return tmp_path / name

    before, slower, faster = write("before", 1.0), write("slower", 1.5), write("faster", 0.5)
    assert invoke("compare", before, faster).exit_code == 0
    result = invoke("compare", before, slower)
    assert result.exit_code == 1
    assert "Worse: b: +50.0 %, at most 5 % is asked." in result.stderr
    assert invoke("compare", before, slower, "--threshold", "60").exit_code == 0
    assert_refused(invoke("compare", before, tmp_path / "none"), 2, "none", "JSON")
