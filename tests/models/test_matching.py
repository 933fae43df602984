"""A state dict that does not fit is refused by one message that says what differs and what it is instead."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tvm_mnv3.errors import InputError
from tvm_mnv3.models import build_model, find_model
from tvm_mnv3.models.matching import load_state

SMALL = "mobilenet_v3_small"
State = dict[str, torch.Tensor]


def _load(name: str, state: State, num_classes: int = 1000) -> torch.nn.Module:
    network = build_model(name, num_classes)
    load_state(network, find_model(name), state, "w.pth")
    return network


def _state(name: str = SMALL, num_classes: int = 1000) -> State:
    return dict(build_model(name, num_classes).state_dict())


def _complaint(name: str, state: State, num_classes: int = 1000) -> str:
    """The message with which the state dict is refused; nothing of it may have entered the network."""
    network = build_model(name, num_classes)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    with pytest.raises(InputError) as caught:
        load_state(network, find_model(name), state, "w.pth")
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
    return str(caught.value)


def test_a_fitting_state_dict_is_copied() -> None:
    state = _state()
    loaded = _load(SMALL, state).state_dict()
    assert all(torch.equal(loaded[key], tensor) for key, tensor in state.items())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floating_point_types_become_float32(dtype: torch.dtype) -> None:
    state = {key: tensor.to(dtype) if tensor.is_floating_point() else tensor for key, tensor in _state().items()}
    loaded = _load(SMALL, state).state_dict()
    assert all(torch.equal(loaded[key], tensor.to(loaded[key].dtype)) for key, tensor in state.items())
    assert loaded["features.0.0.weight"].dtype == torch.float32


def test_the_training_counters_may_be_missing() -> None:
    state = {key: tensor for key, tensor in _state().items() if not key.endswith("num_batches_tracked")}
    loaded = _load(SMALL, state).state_dict()
    assert all(torch.equal(loaded[key], tensor) for key, tensor in state.items())


def test_missing_extra_and_misshapen_keys_come_in_one_message_with_their_counts() -> None:
    state = _state()
    for key in [key for key in state if key.startswith("features.4.") and "tracked" not in key][:7]:
        del state[key]
    state["features.99.weight"] = torch.ones(1)
    state["classifier.0.bias"] = torch.ones(3)
    message = _complaint(SMALL, state)
    assert message.startswith(f"w.pth does not fit {SMALL}. Keys missing: 7 (features.4.block.0.0.weight, ")
    assert " and 2 more)" in message
    assert "extra: 1 (features.99.weight)" in message
    assert "of another shape: 1 (classifier.0.bias is 3, not 1024)" in message
    assert message.count("\n") == 0


def test_a_scalar_in_place_of_a_vector_is_misshapen() -> None:
    assert "features.0.1.bias is scalar, not 16" in _complaint(SMALL, {**_state(), "features.0.1.bias": torch.ones(())})


@pytest.mark.parametrize(
    ("given", "asked", "named"),
    [
        ("mobilenet_v3_large_075", "mobilenet_v3_large", "mobilenet_v3_large_075"),
        ("mobilenet_v3_small", "mobilenet_v3_large", "mobilenet_v3_small"),
        ("mobilenetv3_small_050", "mobilenetv3_small_075", "mobilenetv3_small_050"),
    ],
)
def test_weights_of_a_sibling_are_named(given: str, asked: str, named: str) -> None:
    message = _complaint(asked, _state(given))
    assert "Keys " in message
    assert message.endswith(f"It fits {named}.")


@pytest.mark.parametrize(
    ("given", "asked", "holds", "is_of", "named"),
    [
        (
            "mobilenetv3_large_100",
            "mobilenet_v3_large",
            "timm's",
            "torchvision's",
            "the model mobilenetv3_large_100 or tf_mobilenetv3_large_100",
        ),
        (
            "mobilenetv3_small_050",
            "mobilenet_v3_small_050",
            "timm's",
            "torchvision's",
            "the model mobilenetv3_small_050",
        ),
        ("mobilenet_v3_small", "mobilenetv3_small_100", "torchvision's", "timm's", "the model mobilenet_v3_small"),
        ("mobilenet_v3_large", "tf_mobilenetv3_large_100", "torchvision's", "timm's", "the model mobilenet_v3_large"),
    ],
)
def test_the_other_familys_weights_are_refused_by_one_sentence_that_names_the_model(
    given: str, asked: str, holds: str, is_of: str, named: str
) -> None:
    message = _complaint(asked, _state(given, num_classes=10), num_classes=10)
    assert message.startswith(f"w.pth holds {holds} MobileNetV3 weights, but {asked} is {is_of}")
    assert f"name {named} instead" in message
    assert "missing" not in message


def test_the_other_familys_incomplete_weights_are_refused_too() -> None:
    state = _state("mobilenetv3_small_100")
    del state["classifier.bias"]
    assert "name one of timm's models instead" in _complaint(SMALL, state)


@pytest.mark.parametrize(("name", "trained", "built"), [(SMALL, 10, 1000), ("mobilenetv3_small_050", 1001, 1000)])
def test_another_number_of_classes_names_the_option(name: str, trained: int, built: int) -> None:
    message = _complaint(name, _state(name, trained), num_classes=built)
    assert message == (
        f"w.pth was trained for {trained} classes, but {name} was built for {built}: add --classes {trained}."
    )


def test_a_bias_that_disagrees_with_its_classifier_is_misshapen_not_another_number_of_classes() -> None:
    state = _state(SMALL, 10)
    state["classifier.3.bias"] = torch.ones(1000)
    message = _complaint(SMALL, state)
    assert "--classes" not in message
    assert "classifier.3.weight is 10x1024, not 1000x1024" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    state = _state()
    state["features.5.block.0.0.weight"][3, 2] = value
    assert _complaint(SMALL, state).startswith("w.pth: features.5.block.0.0.weight holds NaN or infinite values")


def test_integer_weights_are_refused() -> None:
    state = _state()
    state["features.0.0.weight"] = state["features.0.0.weight"].to(torch.int8)
    assert "features.0.0.weight is torch.int8, but weights must be dense" in _complaint(SMALL, state)


def test_the_real_features_only_checkpoint_is_refused_with_what_is_missing(shared: Path) -> None:
    path = shared / "models" / "torchvision_mobilenet_v3_small_features_fp32.pt"
    message = _complaint(SMALL, torch.load(path, map_location="cpu", weights_only=True))
    assert "Keys missing: 210 (features.0.0.weight, " in message
    assert "extra: 240 (0.0.0.weight, " in message or "extra: " in message
    assert message.endswith("It holds the features only, without a classifier; weights of a whole network are needed.")


def test_features_saved_by_themselves_are_recognised() -> None:
    features = {k.removeprefix("features."): v for k, v in _state().items() if k.startswith("features.")}
    assert "It holds the features only" in _complaint(SMALL, features)
