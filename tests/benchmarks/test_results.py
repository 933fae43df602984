"""The results as data: the JSON that other tools read, and the fastest peer."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from benchmarks.report import print_results
from benchmarks.results import Missing, Result, Results, result_of
from tvm_mnv3.measuring.roofline import Roofline
from tvm_mnv3.measuring.rounds import Measurement

MODEL = "mobilenet_v3_small"


def result(runtime: str, milliseconds: float, threads: int = 1) -> Result:
    measurement = Measurement((milliseconds / 1e3,) * 10, (milliseconds / 1e3,))
    return result_of(measurement, model=MODEL, threads=threads, runtime=runtime, version="1.0", difference=1.23456e-6)


RESULTS = Results(
    machine={"cpu": "a CPU"},
    date="2026-01-01 00:00 UTC",
    command="python -m benchmarks.peers",
    multiply_adds={MODEL: 50_000_000},
    results=[result("litert", 2.0), result("tvm-mnv3", 1.0), result("ncnn", 3.0), result("tvm-mnv3", 0.625, threads=2)],
    missing=[Missing(MODEL, 1, "openvino", "not installed (No module named 'openvino')")],
    roofline={1: Roofline(1, 100.0, 20.0, None), 2: Roofline(2, 200.0, 30.0, None)},
)


def test_json_has_what_readers_were_promised(tmp_path: Path) -> None:
    RESULTS.write_json(tmp_path / "results.json")
    read = json.loads((tmp_path / "results.json").read_text())
    assert read["machine"] == {"cpu": "a CPU"}
    ours = read["results"][1]
    promised = {key: ours[key] for key in ("model", "threads", "precision", "runtime", "version")}
    assert promised == {
        "model": MODEL, "threads": 1, "precision": "fp32", "runtime": "tvm-mnv3", "version": "1.0",
    }  # fmt: skip
    assert (ours["median_ms"], ours["p10_ms"], ours["p90_ms"]) == (1.0, 1.0, 1.0)
    assert read["roofline"]["2"]["gmac_per_second"] == 200.0
    assert read["missing"][0]["runtime"] == "openvino"


def test_fastest_peer_is_not_the_project_itself() -> None:
    fastest = RESULTS.fastest_peer(MODEL, 1)
    assert fastest is not None
    assert fastest.runtime == "litert"
    assert RESULTS.fastest_peer(MODEL, 2) is None


def test_table_shows_speed_share_of_the_peak_and_who_is_missing() -> None:
    text = io.StringIO()
    print_results(RESULTS, Console(file=text, width=140))
    lines = text.getvalue().splitlines()
    ours, floor, litert = (
        next(line for line in lines if line.startswith(name)) for name in ("tvm-mnv3", "multiply", "litert")
    )
    # 50 million multiply-adds at 100e9 a second take half a millisecond.
    assert floor.split()[2:] == ["0.500", "4.00x", "100.0", "100%"]
    assert ours.split()[2:] == ["1.000", "1.000", "1.000", "2.00x", "50.0", "50%"]
    assert litert.split()[5] == "1.00x"
    assert "openvino is missing: not installed (No module named 'openvino')" in lines
    assert "tvm-mnv3, mobilenet_v3_small: 2 threads are 1.60 times as fast as 1" in lines
