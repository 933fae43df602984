"""From what the user names (a model, a file, a module) to an `ImportedModel`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from tvm_mnv3.errors import EnvironmentProblem, InputError
from tvm_mnv3.options import NORMALIZATIONS, CompileOptions
from tvm_mnv3.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from torch import nn

    from tvm_mnv3.frontend.imported import ImportedModel, Preprocessing, Provenance
    from tvm_mnv3.models.registry import ModelEntry


def import_source(options: CompileOptions, *, shapes_only: bool = False) -> ImportedModel:
    """Import what `options.model` names, with its weights, labels and preprocessing.

    Parameters
    ----------
    shapes_only
        A named model's weights do not matter: they stay as PyTorch's modules begin with, without a download.

    Raises
    ------
    InputError
        The model or one of the options about it is not usable.
    EnvironmentProblem
        Pretrained weights were asked for and cannot be had.
    """
    if isinstance(options.model, str) and not is_file(options.model):
        return _import_named(options.model, options, shapes_only)
    for name, value in (("weights", options.weights), ("classes", options.classes), ("size", options.input_size)):
        if value is not None:
            raise InputError(
                f"--{name} goes with the name of a model; {_short(options.model)} brings its own. Leave it out."
            )
    from tvm_mnv3.frontend.load import load_model

    imported = load_model(options.model, batch=options.batch, input_shapes=options.input_shapes or None)
    preprocessing = _preprocessing(imported, options.normalization) or imported.preprocessing
    return dataclasses.replace(imported, labels=_labels(imported, options.labels), preprocessing=preprocessing)


def is_file(model: str) -> bool:
    """Whether what the user typed is meant as a file: the names of models have no dots and no slashes."""
    return "/" in model or "\\" in model or Path(model).suffix != "" or Path(model).exists()


def _short(model: object) -> str:
    return Path(model).name if isinstance(model, (str, Path)) else type(model).__name__


def _import_named(name: str, options: CompileOptions, shapes_only: bool) -> ImportedModel:
    from tvm_mnv3.models import build_model
    from tvm_mnv3.models.registry import find_model

    entry = find_model(name)
    if options.normalization is not None or options.input_shapes:
        option = "normalize" if options.normalization is not None else "input-shape"
        raise InputError(f"--{option} goes with a model file; {name} brings its own. Leave it out.")
    size = options.input_size or entry.input_size
    if size < 32 or size % 32:
        raise InputError(f"--size {size}: the input's size must be a multiple of 32.")
    if options.batch < 1:
        raise InputError(f"--batch {options.batch}: at least one picture a run.")
    module = build_model(entry.name, num_classes=options.classes or 1000)
    provenance = None if shapes_only else _load_weights(module, entry, options)

    from tvm_mnv3.frontend.from_torch import import_torch

    spec = TensorSpec("input", (options.batch, 3, size, size), "float32")
    imported = import_torch(module, [spec], name=name, provenance=provenance)
    return dataclasses.replace(
        imported, labels=_labels(imported, options.labels), preprocessing=_transform(entry, size)
    )


def _load_weights(module: nn.Module, entry: ModelEntry, options: CompileOptions) -> Provenance:
    """Fill the network with the weights that were asked for, or, where none were, the best that can be had."""
    from tvm_mnv3.frontend.imported import Provenance
    from tvm_mnv3.models.weights import load_weights

    classes = options.classes or 1000
    note = None
    if options.weights is not None:
        origin = load_weights(module, entry, options.weights, seed=options.seed)
    elif entry.published is None or classes != 1000:
        origin = load_weights(module, entry, "random", seed=options.seed)
        note = f"No trained weights are published for {entry.name} with {classes} classes: the weights are random."
    else:
        try:
            origin = load_weights(module, entry, "pretrained", seed=options.seed)
        except EnvironmentProblem as problem:
            origin = load_weights(module, entry, "random", seed=options.seed)
            note = f"The trained weights could not be had, so the weights are random. {problem}"
    return Provenance(
        source=entry.name, format="torch", weights=origin.label, weights_sha256=origin.sha256, note=note or origin.note
    )


def _transform(entry: ModelEntry, size: int) -> Preprocessing:
    from tvm_mnv3.frontend.imported import Preprocessing

    return Preprocessing(**dataclasses.asdict(entry.transform.for_size(size)))


def _preprocessing(imported: ImportedModel, normalization: str | None) -> Preprocessing | None:
    """torchvision's way with a picture (resize to 8/7 of the input, crop), and the normalization that was named."""
    from tvm_mnv3.frontend.imported import Preprocessing

    if normalization is None:
        return None
    if normalization not in NORMALIZATIONS:
        raise InputError(f"--normalize {normalization!r} is not one of {', '.join(NORMALIZATIONS)}.")
    shape = imported.inputs[0].shape
    if len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3]:
        raise InputError(f"--normalize needs a network whose input is a square picture, not {shape}.")
    mean, std = NORMALIZATIONS[normalization]
    return Preprocessing(resize=shape[2] * 8 // 7, crop=shape[2], interpolation="bilinear", mean=mean, std=std)


def _labels(imported: ImportedModel, file: Path | None) -> tuple[str, ...] | None:
    """The labels in a file, or those of ImageNet where the number of classes is theirs."""
    from tvm_mnv3.models.labels import labels_for

    shape = imported.outputs[0].shape
    if file is None:
        found = labels_for(shape[1]) if len(shape) == 2 else None
        return tuple(found) if found is not None else None
    try:
        labels = tuple(line for line in file.read_text(encoding="utf-8").splitlines() if line)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--labels {file}: cannot be read as text ({error}).") from error
    if len(shape) != 2 or len(labels) != shape[1]:
        raise InputError(f"--labels {file} has {len(labels)} labels, but the output's shape is {shape}.")
    return labels
