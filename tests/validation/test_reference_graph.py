"""Where in a reference's graph a kernel's output stands, however the author spelt what follows a layer."""

from __future__ import annotations

from tvm_mnv3.validation.reference import ReferenceNode
from tvm_mnv3.validation.reference_graph import ReferenceGraph
from tvm_mnv3.workload import Workload

SHAPE = (16, 8, 1, 1)
HSWISH = Workload.parse("pointwise_h7w7_i8_o16_f32_bias_hswish")
LINEAR = Workload.parse("pointwise_h7w7_i8_o16_f32_bias")
SUMMED = Workload.parse("pointwise_h7w7_i8_o16_f32_bias_add")


def conv(output: str, source: str, layer: str) -> ReferenceNode:
    return ReferenceNode(output, "Conv", (source,), layer, SHAPE)


def node(output: str, operator: str, *inputs: str) -> ReferenceNode:
    return ReferenceNode(output, operator, inputs)


def test_a_hard_swish_in_five_operators_belongs_to_its_layer() -> None:
    graph = ReferenceGraph(
        [
            conv("c", "x", "a"),
            node("n", "BatchNormalization", "c"),
            node("plus", "Add", "n"),
            node("clip", "Clip", "plus"),
            node("times", "Mul", "n", "clip"),
            node("sixth", "Div", "times"),
            conv("next", "sixth", "b"),
        ]
    )
    assert graph.value_of(("a",), HSWISH) == "sixth"


def test_a_residual_is_taken_only_by_the_kernel_that_adds_one() -> None:
    nodes = [
        conv("c", "x", "a"),
        node("n", "BatchNormalization", "c"),
        conv("d", "n", "b"),
        node("m", "BatchNormalization", "d"),
        node("sum", "Add", "m", "n"),
    ]
    graph = ReferenceGraph(nodes)
    assert graph.value_of(("a",), LINEAR) == "n"
    assert graph.value_of(("b",), SUMMED) == "sum"


def test_what_scales_a_layer_s_output_by_a_gate_is_not_its_activation() -> None:
    nodes = [
        conv("c", "x", "a"),
        node("h", "HardSwish", "c"),
        node("mean", "GlobalAveragePool", "h"),
        conv("g", "mean", "gate"),
        node("s", "HardSigmoid", "g"),
        node("scaled", "Mul", "h", "s"),
    ]
    graph = ReferenceGraph(nodes)
    assert graph.value_of(("a",), HSWISH) == "h"


def test_layers_of_other_names_are_taken_in_order_of_their_shapes() -> None:
    graph = ReferenceGraph(
        [
            conv("c", "x", "features.0"),
            ReferenceNode("w", "Conv", ("c",), "features.1", (4, 4, 1, 1)),
            conv("d", "w", "features.2"),
        ]
    )
    assert graph.value_of(("Conv v1",), LINEAR) == "c"
    assert graph.value_of(("Conv v3",), LINEAR) == "d"
    assert graph.value_of(("Conv v9",), LINEAR) is None


def test_a_kernel_without_layers_has_no_value() -> None:
    assert ReferenceGraph([conv("c", "x", "a")]).value_of((), LINEAR) is None
    assert ReferenceGraph([conv("c", "x", "a")]).value_of(("a",), None) is None
