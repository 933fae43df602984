"""The search in a template's space proposes every assignment once, the default first, and finds good ones early."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tvm_mnv3.codegen.object_code import llvm_target
from tvm_mnv3.targets import load_core
from tvm_mnv3.tuning.candidate import Candidate, of_template, template_of
from tvm_mnv3.tuning.cost_model import CostModel
from tvm_mnv3.tuning.knob_space import KnobSpace
from tvm_mnv3.tuning.template_search import TemplateSearch
from tvm_mnv3.workload import Workload

CORE = load_core("cortex-a76")
WORKLOAD = Workload.parse("pointwise_h7w7_i24_o40_f32_bias")


@pytest.fixture
def model() -> CostModel:
    return CostModel(llvm_target(CORE, "aarch64-linux-gnu"))


def sums_of(candidate: Candidate) -> float:
    """A score that falls with the tile: a stand-in for a device."""
    return 1.0 / (candidate.knobs["rows"] * candidate.knobs["vectors"]) + 0.01 * candidate.knobs["panel"]


def tried(search: TemplateSearch, rounds: int, size: int, score: Callable[[Candidate], float]) -> list[Candidate]:
    proposals: list[Candidate] = []
    for _ in range(rounds):
        candidates = search.propose(size)
        search.learn(candidates, [score(candidate) for candidate in candidates])
        proposals += candidates
    return proposals


def test_default_is_first_and_no_assignment_comes_twice(model: CostModel) -> None:
    workload = Workload.parse("conv_k3s2_h12w12_i3_o24_f32_nchw_bias_hswish")
    search = TemplateSearch(workload, CORE, model, 0)
    proposals = tried(search, 20, 8, lambda candidate: 1.0)
    space = template_of(workload).knobs(workload, CORE)
    assert proposals[0] == of_template(workload, template_of(workload).default(workload, CORE))
    assert sorted(p.key for p in proposals) == sorted(of_template(workload, knobs).key for knobs in space)
    assert search.propose(8) == []


def test_search_finds_the_best_in_a_part_of_the_space(model: CostModel) -> None:
    space = [of_template(WORKLOAD, knobs) for knobs in template_of(WORKLOAD).knobs(WORKLOAD, CORE)]
    proposals = tried(TemplateSearch(WORKLOAD, CORE, model, 0), 6, 8, sums_of)
    assert len(proposals) < len(space) / 3
    assert min(map(sums_of, proposals)) <= 1.05 * min(map(sums_of, space))


def test_what_a_log_has_is_not_tried_again(model: CostModel) -> None:
    before = tried(TemplateSearch(WORKLOAD, CORE, model, 0), 2, 8, sums_of)
    search = TemplateSearch(WORKLOAD, CORE, model, 1)
    search.learn(before, list(map(sums_of, before)))
    after = tried(search, 2, 8, sums_of)
    assert {p.key for p in before}.isdisjoint(p.key for p in after)


def test_failures_are_learned_from_too(model: CostModel) -> None:
    search = TemplateSearch(WORKLOAD, CORE, model, 0)
    proposals = tried(search, 3, 8, lambda candidate: float("inf"))
    assert len({p.key for p in proposals}) == 24


def test_same_seed_gives_the_same_proposals() -> None:
    runs = [
        tried(TemplateSearch(WORKLOAD, CORE, CostModel(llvm_target(CORE, "aarch64-linux-gnu")), 7), 2, 6, sums_of)
        for _ in range(2)
    ]
    assert runs[0] == runs[1]


def test_neighbours_are_the_fewest_steps_away() -> None:
    space = KnobSpace(template_of(WORKLOAD).knobs(WORKLOAD, CORE))
    centre = next(k for k in space.assignments if (k.rows, k.vectors, k.order, k.panel) == (4, 2, "rows", False))
    others = [knobs for knobs in space.assignments if knobs != centre]
    for near in space.nearest(centre, others, 4):
        assert sum(a != b for a, b in zip(vars(near).values(), vars(centre).values(), strict=True)) == 1


def test_corners_have_the_extremes_of_every_knob() -> None:
    space = template_of(WORKLOAD).knobs(WORKLOAD, CORE)
    corners = KnobSpace(space).corners()
    assert len(corners) == len(set(corners)) < len(space) / 4
    for knob in ("rows", "vectors", "order", "panel", "vector_reads"):
        extremes = {pick(getattr(knobs, knob) for knobs in space) for pick in (min, max)}
        assert extremes <= {getattr(knobs, knob) for knobs in corners}


def test_search_begins_where_it_is_told(model: CostModel) -> None:
    worst = KnobSpace(template_of(WORKLOAD).knobs(WORKLOAD, CORE)).corners()[0]
    assert TemplateSearch(WORKLOAD, CORE, model, 0, worst).propose(4)[0] == of_template(WORKLOAD, worst)
