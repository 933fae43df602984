import os

import pytest

from tvm_mnv3.tuning.pipeline import leaving_alone


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is no other CPU to go to")
def test_search_leaves_the_cpu_on_which_is_measured_and_comes_back() -> None:
    before = os.sched_getaffinity(0)
    measured = min(before)
    with leaving_alone(measured):
        assert os.sched_getaffinity(0) == before - {measured}
    assert os.sched_getaffinity(0) == before


def test_search_stays_where_it_is_when_others_measure() -> None:
    before = os.sched_getaffinity(0)
    with leaving_alone(None):
        assert os.sched_getaffinity(0) == before
