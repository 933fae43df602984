"""Files of weights are read whatever wraps the tensors, never run, and a bad file is told in a sentence."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tvm_mnv3.errors import InputError
from tvm_mnv3.models.checkpoint import read_checkpoint

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "W.PTH"])
def test_a_state_dict_is_read_with_its_hash(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    torch.save(STATE, path)
    checkpoint = read_checkpoint(path)
    _assert_is_state(checkpoint.state)
    assert checkpoint.file_name == name
    assert checkpoint.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert checkpoint.note is None


def test_safetensors_are_read(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(STATE, path)
    _assert_is_state(read_checkpoint(path).state)


def test_the_old_format_without_zip_is_read(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save(STATE, path, _use_new_zipfile_serialization=False)
    _assert_is_state(read_checkpoint(path).state)


@pytest.mark.parametrize("key", ["state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod."])
def test_training_checkpoints_are_unwrapped(tmp_path: Path, key: str, prefix: str) -> None:
    path = tmp_path / "checkpoint.pth"
    wrapped = {prefix + name: tensor for name, tensor in STATE.items()}
    torch.save({key: wrapped, "epoch": 3, "args": argparse.Namespace(lr=0.1), "optimizer": {"state": {}}}, path)
    checkpoint = read_checkpoint(path)
    _assert_is_state(checkpoint.state)
    assert checkpoint.note is None


@pytest.mark.parametrize("key", ["state_dict_ema", "model_ema"])
def test_a_moving_average_goes_before_the_plain_weights_and_is_noted(tmp_path: Path, key: str) -> None:
    path = tmp_path / "checkpoint.pth"
    averaged = {"n_averaged": torch.tensor(7), **{f"module.{name}": tensor for name, tensor in STATE.items()}}
    plain = {name: tensor + 1 for name, tensor in STATE.items()}
    torch.save({"state_dict": plain, "model": plain, key: averaged}, path)
    checkpoint = read_checkpoint(path)
    _assert_is_state(checkpoint.state)
    assert checkpoint.note is not None
    assert f"`{key}`" in checkpoint.note


def test_a_prefix_that_only_some_names_have_stays(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save({"module.a": torch.ones(1), "b": torch.ones(1)}, path)
    assert set(read_checkpoint(path).state) == {"module.a", "b"}


class _Runs:
    """A pickle that would write a file if it were loaded as code."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (Path.touch, (self.path,))


def test_a_pickle_is_data_and_never_runs(tmp_path: Path) -> None:
    path, witness = tmp_path / "w.pth", tmp_path / "witness"
    torch.save({"state_dict": STATE, "extra": _Runs(witness)}, path)
    with pytest.raises(InputError, match=r"^w\.pth holds Python objects, .* save its `state_dict\(\)` alone"):
        read_checkpoint(path)
    assert not witness.exists()


def test_a_pickled_module_is_refused_with_what_to_save_instead(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save(nn.Linear(2, 2), path)
    with pytest.raises(InputError, match=r"^w\.pt holds Python objects"):
        read_checkpoint(path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_torchscript_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2)).save(str(path))
    with pytest.raises(InputError, match=r"^w\.pt holds a TorchScript program"):
        read_checkpoint(path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_named(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"w{suffix}"
    (torch.save if suffix == ".pth" else save_file)({"a": torch.ones(1000)}, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(InputError, match=rf"^w\{suffix} is truncated"):
        read_checkpoint(path)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_something_else_than_weights_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"w{suffix}"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8)
    with pytest.raises(InputError, match=rf"^w\{suffix} is truncated"):
        read_checkpoint(path)


@pytest.mark.parametrize("name", ["w.onnx", "w.pt2", "w", "w.h5"])
def test_other_kinds_of_files_are_pointed_to_their_place(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match="named in place of the model"):
        read_checkpoint(tmp_path / name)


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()], ids=["missing", "folder"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "w.pth"
    make(path)
    with pytest.raises(InputError, match=r"w\.pth: the file cannot be read \((No such file|Is a directory)"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (torch.ones(3), "holds no state dict .* but a Tensor"),
        ([torch.ones(3)], "holds no state dict .* but a list"),
        ({}, "holds no state dict .* but an empty dict"),
        ({"state_dict": {}}, "holds no state dict .* but an empty dict"),
        ({"weights": STATE}, "'weights' is a dict, not a tensor"),
        ({"epoch": 3, "a.weight": torch.ones(1)}, "'epoch' is a int, not a tensor"),
    ],
)
def test_a_file_without_a_state_dict_says_what_it_holds(tmp_path: Path, content: object, complaint: str) -> None:
    path = tmp_path / "w.pth"
    torch.save(content, path)
    with pytest.raises(InputError, match=complaint):
        read_checkpoint(path)


def _assert_is_state(state: object) -> None:
    assert isinstance(state, dict)
    assert state.keys() == STATE.keys()
    assert all(torch.equal(state[name], tensor) for name, tensor in STATE.items())
