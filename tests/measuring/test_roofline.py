"""The roofline: measured by C that computes what it says."""

from __future__ import annotations

import pytest

from tvm_mnv3.measuring.machine import choose_cpus
from tvm_mnv3.measuring.roofline import Roofline, measure_roofline


def test_the_best_of_two_measurements_is_kept() -> None:
    one, other = Roofline(2, 10.0, 5.0, None), Roofline(2, 9.0, 6.0, 20.0)
    assert one.best_of(other) == Roofline(2, 10.0, 6.0, 20.0)


@pytest.mark.slow
def test_this_machine_has_one() -> None:
    roofline = measure_roofline(choose_cpus(1))
    # Far below any machine's and far above it: a loop that was optimized away, or a unit that is wrong.
    assert 0.1 < roofline.gmac_per_second < 10_000
    assert 0.1 < roofline.memory_gb_per_second < 10_000
