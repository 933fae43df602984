from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from onnx import helper
from torch import nn

from tvm_mnv3.errors import InputError
from tvm_mnv3.frontend.imported import TensorSpec
from tvm_mnv3.frontend.load import load_model


def test_dispatches_by_suffix_in_any_case(write_onnx: Callable[..., Path], tmp_path: Path) -> None:
    path = write_onnx([helper.make_node("Relu", ["x"], ["y"])], {"x": (1, 3)}, file="net.ONNX")
    assert load_model(str(path)).provenance.format == "onnx"
    program = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(nn.ReLU(), (torch.zeros(1, 3),)), program)
    assert load_model(program).provenance.format == "pt2"


class Product(nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a @ b


def test_module_gets_a_picture_of_the_batch_size_or_the_given_shapes() -> None:
    picture = load_model(nn.ReLU(), batch=2)
    assert picture.name == "ReLU"
    assert picture.inputs == (TensorSpec("input", (2, 3, 224, 224), "float32"),)
    given = load_model(Product(), input_shapes={"left": (1, 3, 4), "right": (1, 4, 5)})
    assert [spec.name for spec in given.inputs] == ["left", "right"]
    assert given.outputs[0].shape == (1, 3, 5)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("weights.pt", "weights only.*--weights weights.pt"),
        ("weights.pth", "weights only"),
        ("weights.safetensors", "weights only"),
        ("net.tflite", "cannot be read yet; convert the network to ONNX"),
        ("net.docx", "unknown kind of file '.docx'"),
        ("net", "unknown kind of file ''"),
    ],
)
def test_other_files_are_refused_by_their_suffix(file: str, said: str, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(b"anything")
    with pytest.raises(InputError, match=rf"^{file}.*{said}"):
        load_model(tmp_path / file)


@pytest.mark.parametrize("file", ["missing.onnx", "missing.pt2", "missing", "m" * 5000 + ".onnx", "nul\0.onnx"])
def test_missing_file(file: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file"):
        load_model(tmp_path / file)


@pytest.mark.parametrize("suffix", [".onnx", ".pt2", ""])
def test_folder(suffix: str, tmp_path: Path) -> None:
    folder = tmp_path / f"folder{suffix}"
    folder.mkdir()
    with pytest.raises(InputError, match=rf"folder{suffix} is a folder"):
        load_model(folder)
