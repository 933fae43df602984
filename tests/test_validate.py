"""Validation of whole bundles: right ones pass, each kind of breakage fails its own gate and is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.broken_models import with_hard_sigmoid, with_transposed_weight

from tvm_mnv3 import Bundle, CompileOptions
from tvm_mnv3.errors import EnvironmentProblem, InputError
from tvm_mnv3.validate import ValidateOptions, validate
from tvm_mnv3.validation.gates import Gates
from tvm_mnv3.validation.result import Validation

Compile = Callable[[CompileOptions], Bundle]
NAME = "mobilenet_v3_small_035"
QUICK = CompileOptions(NAME, target="host", weights="random", input_size=64)
TRAINED = "mobilenet_v3_small_imagenet1001_fp32.onnx"
GATES = Gates(min_top1=70.0, max_top1_drop=1.0, min_agreement=98.0, max_logit_error=0.1)


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve unlabelled pictures."""
    folder = tmp_path_factory.mktemp("noise")
    random = np.random.default_rng(0)
    for number in range(12):
        small = Image.fromarray(random.integers(0, 256, (6, 7, 3), dtype=np.uint8))
        small.resize((90, 80), Image.Resampling.BICUBIC).save(folder / f"{number:02}.png")
    return folder


def test_a_bundle_agrees_with_the_named_network_that_it_was_made_of(compiled: Compile, noise: Path) -> None:
    bundle = compiled(QUICK)
    found = validate(ValidateOptions(bundle.path, noise, NAME, layers=True, seconds=0.2))
    assert found.accuracy is not None
    assert found.accuracy.agreement is not None
    assert found.accuracy.agreement.value == 100
    assert found.accuracy.top1 is None
    assert found.latency is not None
    assert min(found.latency.milliseconds) > 0
    assert found.layers is not None
    assert found.layers.first is None
    compared = [step for step in found.layers.steps if step.error is not None]
    assert len(compared) >= len(found.layers.steps) - 2  # all but the pools, which have no weights
    assert any("random" in note for note in found.notes)
    assert found.passed


def test_the_json_is_the_whole_result(compiled: Compile, noise: Path) -> None:
    found = validate(ValidateOptions(compiled(QUICK).path, noise, NAME, seconds=0.2, profile=True))
    data = json.loads(found.to_json())
    assert data["kind"] == "validation"
    assert len(data["pictures"]) == 12
    assert len(data["latency"]["milliseconds"]) == len(found.latency.milliseconds)  # type: ignore[union-attr]
    assert len(data["profile"]["steps"]) > 40
    assert str(noise) not in found.to_json()


def test_several_pictures_in_a_run_are_each_answered(compiled: Compile, noise: Path) -> None:
    five = compiled(CompileOptions(NAME, target="host", weights="random", input_size=64, batch=5))
    found = validate(ValidateOptions(five.path, noise, NAME, seconds=0.2, layers=True))
    assert len(found.pictures) == 12
    assert found.accuracy is not None
    assert found.accuracy.agreement is not None
    assert found.accuracy.agreement.value == 100
    assert found.layers is not None
    assert found.layers.first is None


def test_unreadable_pictures_are_counted_and_named_and_too_many_are_an_error(
    compiled: Compile, noise: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(noise, tmp_path / "pictures")
    whole = (folder / "00.png").read_bytes()
    (folder / "03.png").write_bytes(whole[: len(whole) // 2])
    options = ValidateOptions(compiled(QUICK).path, folder, seconds=0.2)
    found = validate(options)
    assert [picture.name for picture in found.skipped] == ["03.png"]
    assert len(found.pictures) == 11
    (folder / "05.png").write_text("no picture")
    with pytest.raises(InputError, match=r"2 of 12 pictures cannot be read.*03\.png"):
        validate(options)


def test_references_of_other_inputs_or_classes_are_refused(compiled: Compile, noise: Path) -> None:
    bundle = compiled(QUICK)
    other = compiled(CompileOptions(NAME, target="host", weights="random", input_size=64, classes=10))
    import torch
    from torch import nn

    class Wide(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean((2, 3))

    with pytest.raises(InputError, match="3 numbers a picture"):
        validate(ValidateOptions(bundle.path, noise, Wide()))
    assert validate(ValidateOptions(other.path, noise, NAME, seconds=0.1)).accuracy is not None
    with pytest.raises(InputError, match="does not run on an input"):
        validate(ValidateOptions(bundle.path, noise, nn.Linear(7, 7)))
    with pytest.raises(InputError, match="no such file"):
        validate(ValidateOptions(bundle.path, noise, "missing.onnx"))


def test_what_cannot_be_checked_is_refused_before_anything_runs(compiled: Compile, noise: Path) -> None:
    with pytest.raises(InputError, match="min_top1 needs labels"):
        validate(ValidateOptions(compiled(QUICK).path, noise, NAME, gates=Gates(min_top1=1.0)))
    with pytest.raises(InputError, match="--layers"):
        validate(ValidateOptions(compiled(QUICK).path, noise, layers=True))


@pytest.fixture(scope="module")
def trained(shared: Path) -> Path:
    return shared / "models" / TRAINED


def against_the_trained(bundle: Bundle, shared: Path, limit: int | None, gates: Gates = GATES) -> Validation:
    """A bundle against ONNX Runtime on the real pictures, layer by layer."""
    images, reference = shared / "images" / "imagenet_sample", shared / "models" / TRAINED
    options = ValidateOptions(bundle.path, images, reference, limit=limit, gates=gates, layers=True, seconds=0.5)
    return validate(options)


def failed(found: Validation) -> set[str]:
    return {gate.name for gate in found.gates if not gate.passed}


@pytest.mark.slow
def test_the_trained_network_passes_its_gates_on_500_pictures(compiled: Compile, trained: Path, shared: Path) -> None:
    bundle = compiled(CompileOptions(trained, target="host", normalization="unit"))
    found = against_the_trained(bundle, shared, limit=None)
    assert failed(found) == set()
    assert found.passed
    assert len(found.pictures) == 500
    assert found.labelled_by == "labels.csv"
    assert found.layers is not None
    assert found.layers.first is None


@pytest.mark.slow
@pytest.mark.emulated
def test_the_trained_network_passes_its_gates_on_emulated_arm_and_has_no_latency(
    compiled: Compile, emulator: str, trained: Path, shared: Path
) -> None:
    bundle = compiled(CompileOptions(trained, target="arm", normalization="unit"))
    found = against_the_trained(bundle, shared, limit=20)
    assert failed(found) == set()
    assert found.latency is None
    assert found.profile is None
    assert len(found.pictures) == 20
    assert found.layers is not None
    assert found.layers.first is None
    # Counted where the tools are (CI has them), else a note says that they are not.
    assert (found.counts is not None) != any("not counted" in note for note in found.notes)
    with pytest.raises(InputError, match="max_median_ms needs a device whose time counts"):
        against_the_trained(bundle, shared, limit=20, gates=Gates(max_median_ms=100.0))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("break_it", "place"), [(with_hard_sigmoid, 1), (with_hard_sigmoid, 9), (with_transposed_weight, 0)]
)
def test_a_wrong_activation_or_weight_fails_the_agreement_and_its_block_is_named(
    compiled: Compile,
    trained: Path,
    shared: Path,
    tmp_path: Path,
    break_it: Callable[[Path, Path, int], str],
    place: int,
) -> None:
    layer = break_it(trained, tmp_path / "broken.onnx", place)
    found = against_the_trained(
        compiled(CompileOptions(tmp_path / "broken.onnx", target="host", normalization="unit")), shared, limit=40
    )
    assert {"min_agreement", "max_logit_error"} <= failed(found)
    assert found.layers is not None
    assert found.layers.first is not None
    assert found.layers.first.layers == (layer,)


@pytest.mark.slow
def test_a_wrong_mean_fails_the_accuracy_alone_for_the_kernels_are_right(
    compiled: Compile, trained: Path, shared: Path
) -> None:
    bundle = compiled(CompileOptions(trained, target="host", normalization="imagenet"))
    found = against_the_trained(bundle, shared, limit=100)
    assert failed(found) == {"min_top1"}
    assert found.layers is not None
    assert found.layers.first is None


def test_what_was_measured_before_the_device_dropped_out_is_kept_and_marked(
    compiled: Compile, noise: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drop_out(*arguments: object, **options: object) -> None:
        raise EnvironmentProblem("The cable is out.")

    monkeypatch.setattr("tvm_mnv3.validate.measure_latency", drop_out)
    found = validate(ValidateOptions(compiled(QUICK).path, noise, NAME, layers=True, profile=True))
    assert found.partial == "latency: The cable is out."
    assert not found.passed
    assert len(found.pictures) == 12
    assert (found.latency, found.layers, found.profile) == (None, None, None)
