"""Reading the part of a bundle that devices need."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tvm_mnv3.devices.model_file import read_model
from tvm_mnv3.errors import InputError
from tvm_mnv3.tensor_spec import TensorSpec


@pytest.fixture
def bundle(tmp_path: Path, doubler_arm: Path) -> Path:
    return Path(shutil.copytree(doubler_arm, tmp_path / "bundle"))


def test_a_bundle_says_how_to_call_its_library(bundle: Path) -> None:
    model = read_model(bundle)

    assert (model.prefix, model.machine) == ("doubler", "aarch64")
    assert model.library == bundle / "libdoubler.so"
    assert model.inputs == (TensorSpec("x", (1, 1000), "float32"), TensorSpec("n", (1,), "int32"))
    assert model.outputs[1] == TensorSpec("z", (), "float32")


@pytest.mark.parametrize("folder", ["", "absent"])
def test_a_folder_without_a_manifest_is_no_bundle(tmp_path: Path, folder: str) -> None:
    with pytest.raises(InputError, match=r"no model\.json.*tvm-mnv3 compile"):
        read_model(tmp_path / folder)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "Expecting value"), ("{}", "lacks 'library'"), ("[]", "indices"), ("\x00", "Expecting value")],
)
def test_a_broken_manifest_is_refused(bundle: Path, text: str, reason: str) -> None:
    (bundle / "model.json").write_text(text)

    with pytest.raises(InputError, match=rf"broken: .*{reason}.*Compile the model again"):
        read_model(bundle)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"library": "absent.so"}, "absent.so"),
        ({"inputs": [{"name": "x", "dtype": "float32"}]}, "lacks 'shape'"),
        ({"inputs": [{"name": "x", "shape": ["wide"], "dtype": "float32"}]}, "wide"),
        ({"inputs": [{"name": "x", "shape": 3, "dtype": "float32"}]}, "iterable"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(bundle: Path, change: dict[str, Any], reason: str) -> None:
    manifest = json.loads((bundle / "model.json").read_text())
    (bundle / "model.json").write_text(json.dumps(manifest | change))

    with pytest.raises(InputError, match=reason):
        read_model(bundle)


def test_a_truncated_library_is_refused_before_it_is_loaded(bundle: Path) -> None:
    library = bundle / "libdoubler.so"
    library.write_bytes(library.read_bytes()[:2000])

    with pytest.raises(InputError, match=r"libdoubler\.so is not a whole"):
        read_model(bundle)
