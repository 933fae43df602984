"""Every network is its library's: the same parameter names, shapes, eps and padding, and so the same logits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.library_models import formula_logits, formula_picture, formula_state, library_model, shapes_digest
from torch import nn

from tvm_mnv3.models import build_model, find_model, model_names
from tvm_mnv3.models.timm_family import TimmMobileNetV3

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "networks.json").read_text())
#: Of the logits' range: float32 sums in another order.
TOLERANCE = 1e-5


@pytest.mark.parametrize("name", model_names())
def test_names_and_shapes_are_the_recorded_ones(name: str) -> None:
    with torch.device("meta"):
        network = build_model(name)
    assert shapes_digest(network.state_dict()) == GOLDEN["networks"][name]["shapes_sha256"]


@pytest.mark.parametrize("name", model_names())
def test_logits_are_the_recorded_ones(name: str) -> None:
    recorded = GOLDEN["networks"][name]
    logits = formula_logits(build_model(name), GOLDEN["height"], GOLDEN["width"])
    expected = torch.tensor(recorded["logits"])
    torch.testing.assert_close(logits[: len(expected)], expected, rtol=0, atol=TOLERANCE * recorded["range"])


def test_there_is_a_record_of_every_network() -> None:
    assert set(GOLDEN["networks"]) == set(model_names())


@pytest.mark.parametrize(("eps", "same_padding"), [(1e-5, True), (1e-3, False)])
def test_the_record_would_show_a_wrong_eps_or_padding(eps: float, same_padding: bool) -> None:
    name = "tf_mobilenetv3_small_100"
    recorded = GOLDEN["networks"][name]
    wrong = TimmMobileNetV3(find_model(name).architecture, 1000, eps, same_padding).eval()
    logits = formula_logits(wrong, GOLDEN["height"], GOLDEN["width"])
    expected = torch.tensor(recorded["logits"])
    assert (logits[: len(expected)] - expected).abs().max() > 20 * TOLERANCE * recorded["range"]


@pytest.mark.parametrize("name", model_names())
def test_the_librarys_own_network_has_the_same_keys_and_logits(name: str) -> None:
    theirs = library_model(find_model(name), num_classes=11)
    ours = build_model(name, num_classes=11)
    assert _shapes(ours) == _shapes(theirs)
    ours.load_state_dict({**theirs.state_dict(), **formula_state(theirs.state_dict())})
    expected = formula_logits(theirs, 64, 96)
    with torch.no_grad():
        logits = ours(formula_picture(64, 96))[0]
    torch.testing.assert_close(logits, expected, rtol=0, atol=TOLERANCE * float(expected.max() - expected.min()))


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "mobilenetv3_small_050", "tf_mobilenetv3_small_minimal_100"])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (160, 64), (256, 256)])
@pytest.mark.parametrize("classes", [1, 2, 1001])
def test_any_size_that_is_a_multiple_of_32_and_any_number_of_classes(
    name: str, height: int, width: int, classes: int
) -> None:
    network = build_model(name, num_classes=classes)
    with torch.no_grad():
        assert network(torch.zeros(2, 3, height, width)).shape == (2, classes)


@pytest.mark.parametrize("name", ["mobilenet_v3_large", "mobilenetv3_large_100", "tf_mobilenetv3_large_100"])
def test_a_network_can_be_exported(name: str) -> None:
    network = build_model(name, seed=0)
    picture = formula_picture(64, 64)
    exported = torch.export.export(network, (picture,))
    with torch.no_grad():
        torch.testing.assert_close(exported.module()(picture), network(picture))


def test_the_real_torchvision_features_load_and_react_to_pictures(shared: Path) -> None:
    trained = torch.load(
        shared / "models" / "torchvision_mobilenet_v3_small_features_fp32.pt", map_location="cpu", weights_only=True
    )
    network = build_model("mobilenet_v3_small")
    features = network.get_submodule("features")
    features.load_state_dict({key.removeprefix("0."): value for key, value in trained.items()})
    with torch.no_grad():
        maps = features(formula_picture(224, 224))
    assert maps.shape == (1, 576, 7, 7)
    assert float(maps.std()) > 0.1


def _shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
