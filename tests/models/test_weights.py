"""Weights from a file or a seed, and where they say they came from."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from tvm_mnv3.errors import InputError
from tvm_mnv3.models import build_model, find_model
from tvm_mnv3.models.weights import WeightsOrigin, load_weights


def test_random_weights_are_the_seeds() -> None:
    entry = find_model("mobilenetv3_small_050")
    network = build_model(entry.name)
    assert load_weights(network, entry, "random", seed=4) == WeightsOrigin("random (seed 4)", None)
    expected = build_model(entry.name, seed=4).state_dict()
    assert all(torch.equal(tensor, expected[key]) for key, tensor in network.state_dict().items())


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(InputError, match="--seed -1"):
        load_weights(build_model("mobilenetv3_small_050"), find_model("mobilenetv3_small_050"), "random", seed=-1)


@pytest.mark.parametrize("as_text", [True, False])
def test_a_file_tells_its_name_and_hash(tmp_path: Path, as_text: bool) -> None:
    path = tmp_path / "mine.pth"
    torch.save(build_model("mobilenet_v3_small", 5).state_dict(), path)
    network = build_model("mobilenet_v3_small", 5)
    origin = load_weights(network, find_model("mobilenet_v3_small"), str(path) if as_text else path)
    assert origin == WeightsOrigin("mine.pth", hashlib.sha256(path.read_bytes()).hexdigest())


def test_a_path_called_random_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="not a kind of weights file"):
        load_weights(build_model("mobilenet_v3_small"), find_model("mobilenet_v3_small"), Path("random"))


def test_a_checkpoints_note_is_passed_on(tmp_path: Path) -> None:
    path = tmp_path / "mine.pth"
    torch.save({"state_dict_ema": build_model("mobilenet_v3_small", 5).state_dict()}, path)
    origin = load_weights(build_model("mobilenet_v3_small", 5), find_model("mobilenet_v3_small"), path)
    assert origin.note is not None
    assert "moving average" in origin.note


@pytest.mark.parametrize(
    ("file_name", "name", "other"),
    [
        ("tf_mobilenetv3_small_100-37f49e2b.pth", "mobilenetv3_small_100", "tf_mobilenetv3_small_100"),
        ("mobilenetv3_small_100_lamb-266a294c.pth", "tf_mobilenetv3_small_100", "mobilenetv3_small_100"),
        ("tf_mobilenetv3_small_100-37f49e2b.pth", "tf_mobilenetv3_small_100", None),
        ("mobilenetv3_small_100_lamb-266a294c.pth", "mobilenetv3_small_100", None),
        ("mine.pth", "mobilenetv3_small_100", None),
    ],
)
def test_a_file_named_after_the_other_dialect_is_noted(
    tmp_path: Path, file_name: str, name: str, other: str | None
) -> None:
    torch.save(build_model(name).state_dict(), tmp_path / file_name)
    origin = load_weights(build_model(name), find_model(name), tmp_path / file_name)
    assert (origin.note is None) == (other is None)
    if other is not None:
        assert origin.note is not None
        assert f"belongs to {other}, whose batch-norm eps and padding differ" in origin.note
