"""Reads a file of weights into a plain state dict. A file is data, never code: pickles load with weights only."""

from __future__ import annotations

import argparse
import hashlib
import io
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tvm_mnv3.errors import InputError

#: Suffixes of files that torch.save writes.
_TORCH_SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".tar")
#: Where training scripts put the weights; the moving averages that timm's and torchvision's write come first, for
#: those are the weights their authors evaluate and publish.
_NESTED_KEYS = ("state_dict_ema", "model_ema", "state_dict", "model")
_AVERAGED_KEYS = ("state_dict_ema", "model_ema")
#: What DataParallel and torch.compile put before every name.
_WRAPPER_PREFIXES = ("module.", "_orig_mod.")
#: torch.optim.swa_utils.AveragedModel's counter, which is no weight.
_AVERAGE_COUNTER = "n_averaged"

_OBJECTS = (
    "{file} holds {what}, which is not loaded because it can run code: where you trust it, save its `state_dict()` "
    "alone with torch.save."
)
_DAMAGED = "{file} is truncated, or not a file that torch.save wrote."


@dataclass(frozen=True)
class Checkpoint:
    """The weights of a file.

    Parameters
    ----------
    file_name
        Without its folders, for messages.
    state
        Tensors by their parameter's name, wrappers' prefixes taken off.
    sha256
        Of the whole file.
    note
        A sentence the user should see, or None.
    """

    file_name: str
    state: Mapping[str, torch.Tensor]
    sha256: str
    note: str | None = None


def read_checkpoint(path: Path) -> Checkpoint:
    """The weights in a .pt, .pth or .safetensors file.

    The weights may stand at the top or under ``state_dict``, ``model``, ``state_dict_ema`` or ``model_ema`` (a moving
    average goes before the plain weights), and their names may all begin with ``module.`` or ``_orig_mod.``.

    Raises
    ------
    InputError
        The file is missing, truncated, of another kind, or holds something else than tensors.
    """
    if path.suffix.lower() not in (*_TORCH_SUFFIXES, ".safetensors"):
        raise InputError(
            f"--weights {path}: not a kind of weights file that is known (.pt, .pth, .safetensors). "
            "A whole model (.onnx, .pt2) is named in place of the model."
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"--weights {path}: the file cannot be read ({error.strerror}).") from error
    loaded = _safetensors(path, content) if path.suffix.lower() == ".safetensors" else _torch_file(path, content)
    state, note = _unwrapped(path, loaded)
    return Checkpoint(path.name, state, hashlib.sha256(content).hexdigest(), note)


def _safetensors(path: Path, content: bytes) -> object:
    import safetensors
    import safetensors.torch

    try:
        return safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise InputError(f"{path.name} is truncated or no safetensors file ({error}).") from error


def _torch_file(path: Path, content: bytes) -> object:
    if _is_torchscript(content):
        raise InputError(_OBJECTS.format(file=path.name, what="a TorchScript program"))
    try:
        # Training scripts store their arguments beside the weights; a Namespace only holds values.
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "GLOBAL" in str(error):
            raise InputError(_OBJECTS.format(file=path.name, what="Python objects")) from error
        raise InputError(_DAMAGED.format(file=path.name)) from error
    # What a damaged pickle raises is open; a damaged zip gives RuntimeError.
    except Exception as error:
        raise InputError(_DAMAGED.format(file=path.name)) from error


def _is_torchscript(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def _unwrapped(path: Path, loaded: object) -> tuple[dict[str, torch.Tensor], str | None]:
    """The state dict inside whatever training scripts wrap around it."""
    note = None
    if isinstance(loaded, Mapping):
        key = next((key for key in _NESTED_KEYS if isinstance(loaded.get(key), Mapping)), None)
        if key is not None:
            loaded = loaded[key]
        if key in _AVERAGED_KEYS:
            note = f"The moving average `{key}` of {path.name} was taken, not its plain weights."
    if not isinstance(loaded, Mapping) or not loaded:
        raise InputError(f"{path.name} holds no state dict (names and tensors), but {_kind(loaded)}.")
    state: dict[str, Any] = {str(key): value for key, value in loaded.items() if key != _AVERAGE_COUNTER}
    strange = next((key for key, value in state.items() if not isinstance(value, torch.Tensor)), None)
    if strange is not None:
        raise InputError(
            f"{path.name} is no state dict: {strange!r} is {_kind(state[strange])}, not a tensor. "
            "Weights are looked for at the top and under state_dict, model, state_dict_ema and model_ema."
        )
    return _without_wrapper_prefixes(state), note


def _without_wrapper_prefixes(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    while True:
        prefix = next((p for p in _WRAPPER_PREFIXES if state and all(key.startswith(p) for key in state)), None)
        if prefix is None:
            return state
        state = {key.removeprefix(prefix): value for key, value in state.items()}


def _kind(value: object) -> str:
    if isinstance(value, Mapping) and not value:
        return "an empty dict"
    return f"a {type(value).__name__}"
