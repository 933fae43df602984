"""Names are found, wrong names and sizes are told in a sentence, and preprocessing is each library's own."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.library_models import library_model

from tvm_mnv3.errors import InputError
from tvm_mnv3.models import build_model, find_model, model_entries, model_names
from tvm_mnv3.models.registry import check_input_size

NAMES = {
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "mobilenet_v3_large_075",
    "mobilenetv3_large_100",
    "mobilenetv3_large_075",
    "mobilenetv3_small_100",
    "mobilenetv3_small_075",
    "mobilenetv3_small_050",
    "tf_mobilenetv3_large_100",
    "tf_mobilenetv3_large_075",
    "tf_mobilenetv3_large_minimal_100",
    "tf_mobilenetv3_small_100",
    "tf_mobilenetv3_small_075",
    "tf_mobilenetv3_small_minimal_100",
}


def test_the_first_releases_names_are_there_once() -> None:
    assert set(model_names()) >= NAMES
    assert len(set(model_names())) == len(model_names())


def test_a_name_finds_its_entry() -> None:
    assert all(find_model(entry.name) is entry for entry in model_entries())


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("mobilenet_v3_larg", "mobilenet_v3_large"), ("MobileNet-V3-Small", "mobilenet_v3_small")],
)
def test_an_unknown_name_gets_the_closest(asked: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"no model named '{asked}'. Did you mean {meant}"):
        find_model(asked)


def test_a_name_that_resembles_nothing_is_pointed_to_the_list() -> None:
    with pytest.raises(InputError, match="tvm-mnv3 models"):
        build_model("xyzzy")


def test_at_least_one_class() -> None:
    with pytest.raises(InputError, match="number of classes is 0"):
        build_model("mobilenet_v3_small", num_classes=0)


def test_a_network_is_built_for_evaluation() -> None:
    assert not any(module.training for module in build_model("mobilenetv3_small_050").modules())


@pytest.mark.parametrize(("height", "width"), [(32, 32), (224, 224), (96, 1024)])
def test_sizes_that_are_multiples_of_32_pass(height: int, width: int) -> None:
    check_input_size(height, width)


@pytest.mark.parametrize(
    ("height", "width", "advice"), [(225, 224, "224 or 256"), (224, 31, "32 or 64"), (0, 32, "32 or 64")]
)
def test_other_sizes_are_refused_with_the_nearest(height: int, width: int, advice: str) -> None:
    with pytest.raises(InputError, match=f"size {height}x{width} .* multiples of 32, such as {advice}"):
        check_input_size(height, width)


def test_the_crop_keeps_its_share_at_other_sizes() -> None:
    transform = find_model("mobilenetv3_large_100").transform
    assert (transform.resize, transform.crop) == (256, 224)
    larger = transform.for_size(448)
    assert (larger.resize, larger.crop, larger.interpolation) == (512, 448, transform.interpolation)


@pytest.mark.parametrize("entry", [e for e in model_entries() if e.family == "timm"], ids=lambda entry: entry.name)
def test_timms_transform_is_what_timm_resolves(entry) -> None:  # type: ignore[no-untyped-def]
    network = library_model(entry)
    import timm

    config = timm.data.resolve_data_config({}, model=network)
    transform = entry.transform
    assert (3, transform.crop, transform.crop) == config["input_size"]
    assert transform.resize == int(transform.crop / config["crop_pct"])
    assert (transform.interpolation, transform.mean, transform.std) == (
        config["interpolation"],
        config["mean"],
        config["std"],
    )


@pytest.mark.parametrize("entry", [e for e in model_entries() if e.published], ids=lambda entry: entry.name)
def test_torchvisions_weights_and_transform_are_what_torchvision_publishes(entry) -> None:  # type: ignore[no-untyped-def]
    library_model(entry)
    from torchvision.models import get_model_weights

    weights = get_model_weights(entry.name).DEFAULT
    preset = weights.transforms()
    transform = entry.transform
    assert weights.name == entry.published.label
    assert weights.url.endswith("/" + entry.published.file_name)
    assert weights.meta["num_params"] == entry.counts().parameters
    assert ([transform.resize], [transform.crop]) == (preset.resize_size, preset.crop_size)
    assert transform.interpolation == preset.interpolation.value
    assert (list(transform.mean), list(transform.std)) == (preset.mean, preset.std)


def test_listing_names_imports_neither_pytorch_nor_tvm() -> None:
    program = (
        "import sys; from tvm_mnv3.models import model_entries; print(len(model_entries()), "
        "[m for m in ('torch', 'tvm', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{len(model_names())} []"


def test_building_and_loading_never_import_tvm() -> None:
    program = (
        "import sys; from tvm_mnv3.models import build_model; import tvm_mnv3.models.weights, tvm_mnv3.models.labels; "
        "build_model('mobilenet_v3_small'); print('tvm' in sys.modules, 'tvm_mnv3.frontend' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"
