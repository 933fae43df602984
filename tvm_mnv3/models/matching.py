"""Puts a state dict into a network, or says in one message why it does not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from tvm_mnv3.errors import InputError
from tvm_mnv3.models.registry import ModelEntry, build_model, model_entries

#: How the first convolution's name begins, by family.
_FAMILY_MARKS = {"torchvision": "features.", "timm": "conv_stem."}
#: The layer whose outputs are the classes, by family.
_CLASSIFIERS = {"torchvision": "classifier.3", "timm": "classifier"}
#: How many names of a kind a message lists.
_LISTED = 5

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class _Differences:
    """How a state dict's names and shapes differ from a network's."""

    missing: tuple[str, ...]
    extra: tuple[str, ...]
    misshapen: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.misshapen)


def load_state(module: nn.Module, entry: ModelEntry, state: Mapping[str, torch.Tensor], file_name: str) -> None:
    """Copy a state dict into the network it belongs to; float16 and float64 become float32.

    A batch norm's ``num_batches_tracked`` may be missing: only training reads it.

    Raises
    ------
    InputError
        Names or shapes differ (each kind is listed), the weights are the other family's, the number of classes
        differs, or a tensor is not made of finite numbers.
    """
    wanted, given = _shapes(module.state_dict()), _shapes(state)
    differences = _compare(wanted, given)
    if differences:
        _refuse_other_family(entry, given, file_name)
        _refuse_other_class_count(entry, wanted, given, file_name)
        raise InputError(
            f"{file_name} does not fit {entry.name}. Keys {_listed(differences, wanted, given)}.{_hint(given)}"
        )
    for name, tensor in state.items():
        _check_numbers(name, tensor, file_name)
    module.load_state_dict(dict(state), strict=False)


def _shapes(state: Mapping[str, torch.Tensor]) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _compare(wanted: Shapes, given: Shapes) -> _Differences:
    return _Differences(
        missing=tuple(n for n in wanted if n not in given and not n.endswith(".num_batches_tracked")),
        extra=tuple(name for name in given if name not in wanted),
        misshapen=tuple(name for name in wanted if name in given and wanted[name] != given[name]),
    )


def _refuse_other_family(entry: ModelEntry, given: Shapes, file_name: str) -> None:
    for family, mark in _FAMILY_MARKS.items():
        if family != entry.family and any(name.startswith(mark) for name in given):
            fitting = [name for name in _fitting_names(given) if name != entry.name]
            named = f"the model {' or '.join(fitting)}" if fitting else f"one of {family}'s models"
            advice = " (the tf_ one if the weights came from Google)" if len(fitting) > 1 else ""
            raise InputError(
                f"{file_name} holds {family}'s MobileNetV3 weights, but {entry.name} is {entry.family}'s, which "
                f"differs in names, rounding and batch norm: name {named} instead{advice}."
            )


def _refuse_other_class_count(entry: ModelEntry, wanted: Shapes, given: Shapes, file_name: str) -> None:
    layer = _CLASSIFIERS[entry.family]
    weight = given.get(f"{layer}.weight", ())
    differences = _compare(wanted, given)
    only_classifier = set(differences.misshapen) <= {f"{layer}.weight", f"{layer}.bias"}
    if differences.missing or differences.extra or not only_classifier or len(weight) != 2:
        return
    if weight[0] != wanted[f"{layer}.weight"][0] and given.get(f"{layer}.bias") == weight[:1]:
        raise InputError(
            f"{file_name} was trained for {weight[0]} classes, but {entry.name} was built for "
            f"{wanted[f'{layer}.weight'][0]}: add --classes {weight[0]}."
        )


def _listed(differences: _Differences, wanted: Shapes, given: Shapes) -> str:
    misshapen = [f"{n} is {_dims(given[n])}, not {_dims(wanted[n])}" for n in differences.misshapen]
    parts = (
        ("missing", differences.missing),
        ("extra", differences.extra),
        ("of another shape", misshapen),
    )
    return "; ".join(f"{what}: {len(names)} ({_first(names)})" for what, names in parts if names)


def _first(names: Iterable[str]) -> str:
    all_names = list(names)
    more = f" and {len(all_names) - _LISTED} more" if len(all_names) > _LISTED else ""
    return ", ".join(all_names[:_LISTED]) + more


def _dims(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _hint(given: Shapes) -> str:
    """What the weights are, where that can be told."""
    fitting = _fitting_names(given)
    if fitting:
        return f" It fits {' or '.join(fitting)}."
    known = _network_shapes("mobilenet_v3_large").keys() | _network_shapes("mobilenet_v3_small").keys()
    # `features` saved by itself, or as the first child of an nn.Sequential.
    as_child = {name.removeprefix("0.") for name in given if name.startswith("0.")}
    if any({f"features.{name}" for name in names} <= known for names in (given, as_child) if names):
        return " It holds the features only, without a classifier; weights of a whole network are needed."
    return ""


def _fitting_names(given: Shapes) -> list[str]:
    """The names of the networks that these weights fit, whatever their number of classes."""
    names = []
    for entry in model_entries():
        classes = given.get(f"{_CLASSIFIERS[entry.family]}.weight", (0,))[0]
        if classes > 0 and not _compare(_network_shapes(entry.name, classes), given):
            names.append(entry.name)
    return names


def _network_shapes(name: str, num_classes: int = 1000) -> Shapes:
    # On the meta device a network costs no memory and no random numbers.
    with torch.device("meta"):
        return _shapes(build_model(name, num_classes).state_dict())


def _check_numbers(name: str, tensor: torch.Tensor, file_name: str) -> None:
    if name.endswith(".num_batches_tracked"):
        return
    if tensor.layout is not torch.strided or not tensor.is_floating_point():
        raise InputError(f"{file_name}: {name} is {tensor.dtype}, but weights must be dense floating-point numbers.")
    if not bool(torch.isfinite(tensor.float()).all()):
        raise InputError(f"{file_name}: {name} holds NaN or infinite values; the training that wrote it diverged.")
