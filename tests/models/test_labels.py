"""ImageNet's class names in index order."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tvm_mnv3.models.labels import labels_for


def test_thousand_names_in_order() -> None:
    labels = labels_for(1000)
    assert labels is not None
    assert len(labels) == 1000
    assert (labels[0], labels[1], labels[207], labels[999]) == (
        "tench",
        "goldfish",
        "golden retriever",
        "toilet tissue",
    )
    assert all(label and label == label.strip() for label in labels)


def test_background_comes_first_of_1001() -> None:
    plain, shifted = labels_for(1000), labels_for(1001)
    assert plain is not None
    assert shifted == ("background", *plain)


@pytest.mark.parametrize("classes", [0, 10, 999, 1002, 21843])
def test_other_class_counts_have_no_names(classes: int) -> None:
    assert labels_for(classes) is None


def test_the_names_are_those_of_the_pictures(shared: Path) -> None:
    labels = labels_for(1000)
    assert labels is not None
    with (shared / "images" / "imagenet_sample" / "labels.csv").open() as file:
        rows = [(int(row["class_index"]), row["class_name"]) for row in csv.DictReader(file)]
    same = [labels[index].replace(" ", "_").lower() == name.lower() for index, name in rows]
    # A few classes have two usual names ("crane", "sunglass").
    assert sum(same) > 0.8 * len(rows)
