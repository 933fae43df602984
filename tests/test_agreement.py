"""The compiled library against the frameworks: the same numbers, on this machine and on an emulated ARM core."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from tvm_mnv3 import Bundle, CompileOptions, compile_model, load
from tvm_mnv3.frontend.imported import Preprocessing
from tvm_mnv3.models import build_model, find_model
from tvm_mnv3.models.weights import load_weights
from tvm_mnv3.picture import preprocess, read_picture
from tvm_mnv3.targets import load_core

Array = np.ndarray[Any, Any]
Compile = Callable[[CompileOptions], Bundle]

SEED = 3
NAMES = (
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "mobilenetv3_large_100",
    "mobilenetv3_small_100",
    "tf_mobilenetv3_large_100",
    "tf_mobilenetv3_small_100",
)
#: The trained network of `shared`: RGB / 255, class 0 is the background.
TRAINED = "mobilenet_v3_small_imagenet1001_fp32.onnx"
CENTRE = Preprocessing(resize=256, crop=224, interpolation="bilinear", mean=(0, 0, 0), std=(1, 1, 1))


def options(name: str, target: str, size: int = 224, batch: int = 1) -> CompileOptions:
    return CompileOptions(name, target=target, weights="random", seed=SEED, input_size=size, batch=batch)


def assert_agrees_with_pytorch(bundle: Bundle, threads: int = 1, share_of_range: float = 1e-4) -> None:
    """Within that share of the range of PyTorch's logits."""
    name = bundle.manifest.name
    network = build_model(name)
    load_weights(network, find_model(name), "random", seed=SEED)
    picture = np.random.default_rng(0).standard_normal(bundle.manifest.inputs[0].shape).astype(np.float32)
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(picture)).numpy()
    with load(bundle.path) as model:
        (logits,) = model.run(picture, threads=threads)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(logits, expected, rtol=0, atol=share_of_range * np.ptp(expected))


def test_small_agrees_with_pytorch_on_this_machine(compiled: Compile) -> None:
    assert_agrees_with_pytorch(compiled(options("mobilenet_v3_small", "host")))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [224, 160])
def test_every_family_agrees_with_pytorch_on_this_machine(compiled: Compile, name: str, size: int) -> None:
    assert_agrees_with_pytorch(compiled(options(name, "host", size)))


@pytest.mark.slow
def test_minimalistic_network_agrees_with_pytorch(compiled: Compile) -> None:
    assert_agrees_with_pytorch(compiled(options("tf_mobilenetv3_large_minimal_100", "host", 96)))


@pytest.mark.slow
@pytest.mark.parametrize("size", [32, 352])
def test_odd_sizes_agree_with_pytorch(compiled: Compile, size: int) -> None:
    assert_agrees_with_pytorch(compiled(options("mobilenet_v3_small", "host", size)))


@pytest.mark.slow
def test_several_pictures_in_a_run_agree_with_pytorch(compiled: Compile) -> None:
    assert_agrees_with_pytorch(compiled(options("mobilenet_v3_small", "host", 96, batch=3)), threads=2)


@pytest.mark.slow
@pytest.mark.emulated
@pytest.mark.parametrize("name", NAMES)
def test_every_family_agrees_with_pytorch_on_emulated_arm(compiled: Compile, emulator: str, name: str) -> None:
    assert_agrees_with_pytorch(compiled(options(name, "arm")))


@pytest.mark.slow
@pytest.mark.emulated
@pytest.mark.parametrize("core", ["cortex-a53", "cortex-a55", "cortex-a78", "cortex-x1", "neoverse-n1"])
def test_every_core_s_library_runs_on_its_emulated_core(compiled: Compile, emulator: str, core: str) -> None:
    asked = CompileOptions("mobilenet_v3_small", target="arm", core=core, weights="random", seed=SEED, input_size=96)
    assert_agrees_with_pytorch(compiled(asked))


@pytest.mark.slow
@pytest.mark.emulated
@pytest.mark.parametrize("name", ["mobilenet_v3_large", "mobilenetv3_small_100"])
def test_float16_agrees_with_pytorch_to_its_precision(compiled: Compile, emulator: str, name: str) -> None:
    asked = CompileOptions(name, core="cortex-a76", precision="fp16", weights="random", seed=SEED)
    assert_agrees_with_pytorch(compiled(asked), share_of_range=0.03)


def test_float32_on_float16_weights_agrees_with_pytorch_in_half_the_file(compiled: Compile) -> None:
    plain = options("mobilenet_v3_small", "host")
    stored = compiled(replace(plain, weights_storage="fp16"))
    assert_agrees_with_pytorch(stored, share_of_range=5e-3)
    assert stored.manifest.sizes["library"] < 0.55 * compiled(plain).manifest.sizes["library"]


@pytest.mark.slow
@pytest.mark.emulated
@pytest.mark.parametrize("core", [None, "cortex-a53"])
def test_float16_weights_agree_with_pytorch_on_cores_without_float16_arithmetic(
    compiled: Compile, emulator: str, core: str | None
) -> None:
    plain = options("mobilenet_v3_small", "arm", 96)
    assert_agrees_with_pytorch(compiled(replace(plain, core=core, weights_storage="fp16")), share_of_range=5e-3)


@pytest.fixture(scope="module")
def trained(shared: Path) -> Path:
    return shared / "models" / TRAINED


@pytest.fixture(scope="module")
def pictures(shared: Path) -> list[tuple[Array, int]]:
    """The 500 pictures as inputs of one, with their class."""
    folder = shared / "images" / "imagenet_sample"
    with (folder / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 500
    return [(preprocess(read_picture(folder / row["file"]), CENTRE)[None], int(row["class_index"])) for row in rows]


@pytest.fixture(scope="module")
def reference(trained: Path, pictures: list[tuple[Array, int]]) -> list[Array]:
    """ONNX Runtime's logits."""
    session = onnxruntime.InferenceSession(str(trained), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return [session.run(None, {name: picture})[0] for picture, _ in pictures]


@pytest.mark.slow
def test_trained_network_has_onnx_runtime_s_accuracy_on_500_pictures(
    compiled: Compile, trained: Path, pictures: list[tuple[Array, int]], reference: list[Array]
) -> None:
    bundle = compiled(CompileOptions(trained, target="host"))
    ours = right = 0
    with load(bundle.path) as model:
        for (picture, label), expected in zip(pictures, reference, strict=True):
            (logits,) = model.run(picture)
            np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-3)
            ours += int(logits.argmax()) == label + 1
            right += int(expected.argmax()) == label + 1
    assert right > 350
    assert abs(ours - right) <= 1


@pytest.mark.slow
def test_float16_weights_keep_the_trained_network_s_answers_on_500_pictures(
    compiled: Compile, trained: Path, pictures: list[tuple[Array, int]], reference: list[Array]
) -> None:
    bundle = compiled(CompileOptions(trained, target="host", weights_storage="fp16"))
    ours = right = same = 0
    with load(bundle.path) as model:
        for (picture, label), expected in zip(pictures, reference, strict=True):
            (logits,) = model.run(picture)
            np.testing.assert_allclose(logits, expected, rtol=0, atol=5e-3 * np.ptp(expected))
            ours += int(logits.argmax()) == label + 1
            right += int(expected.argmax()) == label + 1
            same += int(logits.argmax() == expected.argmax())
    assert abs(ours - right) <= 1
    assert same >= 498


@pytest.mark.slow
def test_float16_arithmetic_loses_at_most_one_of_500_pictures(
    trained: Path,
    pictures: list[tuple[Array, int]],
    reference: list[Array],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On this machine; where it has no float16 instructions it rounds every product too, which ARM does not."""
    monkeypatch.setattr("tvm_mnv3.compile.load_core", lambda name: replace(load_core(name), has_fp16=True))
    options = CompileOptions(
        trained, output=tmp_path / "half", target="host", precision="fp16", normalization="unit", input="pixels"
    )
    ours = right = 0
    errors = []
    with load(compile_model(options).path) as model:
        for (picture, label), expected in zip(pictures, reference, strict=True):
            pixels = np.rint(picture.transpose(0, 2, 3, 1) * 255).astype(np.uint8)
            (logits,) = model.run(pixels)
            ours += int(logits.argmax()) == label + 1
            right += int(expected.argmax()) == label + 1
            errors.append(np.abs(logits - expected).mean())
    assert ours >= right - 1
    assert np.mean(errors) < 0.01


@pytest.mark.slow
def test_a_network_that_takes_pixels_gives_the_same_answers(
    trained: Path, pictures: list[tuple[Array, int]], reference: list[Array], tmp_path: Path
) -> None:
    options = CompileOptions(trained, output=tmp_path / "pixels", target="host", normalization="unit", input="pixels")
    with load(compile_model(options).path) as model:
        for (picture, _), expected in list(zip(pictures, reference, strict=True))[::5]:
            (logits,) = model.run(np.rint(picture.transpose(0, 2, 3, 1) * 255).astype(np.uint8))
            np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-3)


@pytest.fixture(scope="module")
def twenty(pictures: list[tuple[Array, int]], reference: list[Array]) -> list[tuple[Array, int, Array]]:
    """Every 25th picture, its class and ONNX Runtime's logits."""
    return [(picture, label, logits) for (picture, label), logits in zip(pictures, reference, strict=True)][::25]


@pytest.mark.slow
@pytest.mark.emulated
def test_trained_network_has_the_same_top_1_on_emulated_arm(
    compiled: Compile, emulator: str, trained: Path, twenty: list[tuple[Array, int, Array]]
) -> None:
    with load(compiled(CompileOptions(trained, target="arm")).path) as model:
        answers = model.run_many([[picture] for picture, _, _ in twenty])
    for (logits,), (_, _, expected) in zip(answers, twenty, strict=True):
        assert logits.argmax() == expected.argmax()


@pytest.mark.slow
@pytest.mark.emulated
def test_trained_network_in_float16_has_the_same_top_1_on_emulated_arm(
    compiled: Compile, emulator: str, trained: Path, twenty: list[tuple[Array, int, Array]]
) -> None:
    with load(compiled(CompileOptions(trained, precision="fp16", core="cortex-a76")).path) as model:
        answers = model.run_many([[picture] for picture, _, _ in twenty])
    errors = []
    for (logits,), (_, _, expected) in zip(answers, twenty, strict=True):
        assert logits.argmax() == expected.argmax()
        errors.append(np.abs(logits - expected).mean())
    assert np.mean(errors) < 0.01
