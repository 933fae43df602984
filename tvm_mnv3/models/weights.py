"""Weights into a network: from a file, from what its library publishes, or random."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from tvm_mnv3.errors import InputError
from tvm_mnv3.models.checkpoint import read_checkpoint
from tvm_mnv3.models.initialise import randomise
from tvm_mnv3.models.matching import load_state
from tvm_mnv3.models.pretrained import fetch
from tvm_mnv3.models.registry import ModelEntry

PRETRAINED = "pretrained"
RANDOM = "random"


@dataclass(frozen=True)
class WeightsOrigin:
    """Where a network's weights came from.

    Parameters
    ----------
    label
        ``pretrained``, ``random (seed 0)``, or the file's name without its folders.
    sha256
        Of the file; None for random weights.
    note
        A sentence the user should see, or None.
    """

    label: str
    sha256: str | None
    note: str | None = None


def load_weights(
    module: nn.Module,
    entry: ModelEntry,
    weights: str | Path,
    *,
    seed: int = 0,
    base_url: str | None = None,
    cache: Path | None = None,
) -> WeightsOrigin:
    """Fill the network with weights.

    Parameters
    ----------
    module
        What `registry.build_model` built for `entry`; it is changed in place.
    weights
        ``pretrained``, ``random``, or a file (.pt, .pth, .safetensors).
    seed
        Of random weights, from 0.
    base_url, cache
        Where published weights are downloaded from, and kept (see `pretrained.fetch`).

    Raises
    ------
    InputError
        The file is not usable or does not fit, or nothing is published for this network or number of classes.
    EnvironmentProblem
        Published weights cannot be downloaded.
    """
    if weights == RANDOM:
        if seed < 0:
            raise InputError(f"--seed {seed}: a seed is an integer from 0.")
        randomise(module, seed)
        return WeightsOrigin(f"random (seed {seed})", None)
    if weights == PRETRAINED:
        return _load_published(module, entry, base_url, cache)
    checkpoint = read_checkpoint(Path(weights))
    load_state(module, entry, checkpoint.state, checkpoint.file_name)
    return WeightsOrigin(
        checkpoint.file_name, checkpoint.sha256, checkpoint.note or _dialect_note(entry, checkpoint.file_name)
    )


def _load_published(module: nn.Module, entry: ModelEntry, base_url: str | None, cache: Path | None) -> WeightsOrigin:
    if entry.published is None:
        where = "timm's are not downloaded here" if entry.family == "timm" else "torchvision publishes width 1 only"
        raise InputError(
            f"There are no pretrained weights for {entry.name} ({where}): give a file with --weights FILE, or use "
            "--weights random."
        )
    classes = _num_classes(module)
    if classes != 1000:
        raise InputError(
            f"The pretrained weights of {entry.name} have 1000 classes, not {classes}: leave out --classes, give a "
            "file with --weights FILE, or use --weights random."
        )
    checkpoint = read_checkpoint(fetch(entry.published, base_url, cache))
    load_state(module, entry, checkpoint.state, checkpoint.file_name)
    return WeightsOrigin(PRETRAINED, checkpoint.sha256, checkpoint.note)


def _num_classes(module: nn.Module) -> int:
    last = list(module.modules())[-1]
    if not isinstance(last, nn.Linear):
        raise ValueError("the network's last layer is no classifier")
    return last.out_features


def _dialect_note(entry: ModelEntry, file_name: str) -> str | None:
    """A warning where the file's name says Google's network and the entry is timm's own, or the reverse.

    Names and shapes are the same in both, only batch norm's eps and the padding differ.
    """
    google = file_name.startswith("tf_mobilenetv3")
    if entry.family != "timm" or google == entry.same_padding or "mobilenetv3" not in file_name:
        return None
    other = entry.name.removeprefix("tf_") if entry.same_padding else f"tf_{entry.name}"
    return (
        f"By its name {file_name} belongs to {other}, whose batch-norm eps and padding differ from {entry.name}'s: "
        "if so, the answers are less accurate."
    )
