"""What a device tells of itself."""

from __future__ import annotations

import pytest

from tvm_mnv3.devices.report import parse_report

CORE = {
    "number": 0, "name": "cortex-a55", "cluster": 0, "online": 1, "capacity": 361, "min_khz": 300000,
    "max_khz": 1804800, "now_khz": 691200, "governor": "schedutil",
}  # fmt: skip
REPORT = {
    "system": "Linux 5.10.43",
    "machine": "aarch64",
    "emulated": 0,
    "page_bytes": 4096,
    "cores": [
        CORE,
        {**CORE, "number": 1},
        {**CORE, "number": 2, "name": "cortex-a76", "cluster": 1, "max_khz": 2841600},
    ],
    "allowed": [0, 2],
    "temperatures": [{"sensor": "cpu", "millidegrees": 41200}, {"sensor": "cpu", "millidegrees": 52000}],
}


def test_a_report_is_read_whole() -> None:
    report = parse_report(REPORT)

    assert report.cores[0].governor == "schedutil"
    assert [core.cluster for core in report.cores] == [0, 0, 1]
    assert report.allowed == (0, 2)
    assert not report.emulated
    assert report.temperatures == pytest.approx({"cpu": 41.2, "cpu 1": 52.0})
    assert report.hottest == pytest.approx(52.0)


def test_clusters_are_told_in_short_slowest_first() -> None:
    assert parse_report(REPORT).cores_in_short == "2x cortex-a55 1.80 GHz, 1x cortex-a76 2.84 GHz"


def test_what_a_phone_does_not_tell_is_left_out() -> None:
    silent = {**REPORT, "cores": [{**CORE, "name": "", "max_khz": 0}], "temperatures": []}
    report = parse_report(silent)

    assert report.cores_in_short == "1x unknown"
    assert report.hottest is None
