"""Ten real pictures that the real V3-Small gets right, and what every example must say of them."""

from __future__ import annotations

import csv
from pathlib import Path

from tvm_mnv3 import CompileOptions

#: Of imagenet_sample.
PICTURES = (
    "n01440764", "n01484850", "n01532829", "n01537544", "n01560419",
    "n01582220", "n01614925", "n01622779", "n01632458", "n01641577",
)  # fmt: skip
PREFIX = "mobilenet_v3_small"


def pictures(shared: Path) -> dict[Path, int]:
    """The pictures and the model's numbers of their classes: its class 0 is the background."""
    folder = shared / "images" / "imagenet_sample"
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        classes = {row["file"]: int(row["class_index"]) + 1 for row in csv.DictReader(file)}
    return {folder / f"{name}.jpg": classes[f"{name}.jpg"] for name in PICTURES}


def real_small(shared: Path, target: str) -> CompileOptions:
    """How the real network is compiled."""
    model = shared / "models" / "mobilenet_v3_small_imagenet1001_fp32.onnx"
    return CompileOptions(model, target=target, normalization="unit", prefix=PREFIX)


def best_classes(output: str) -> list[int]:
    """The first of each five lines ``PROBABILITY CLASS LABEL``."""
    lines = output.splitlines()
    assert len(lines) % 5 == 0, output
    return [int(line.split(maxsplit=2)[1]) for line in lines[::5]]
