"""Which pictures there are, and which of the bundle's classes each is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvm_mnv3.errors import InputError
from tvm_mnv3.models.labels import labels_for
from tvm_mnv3.validation.classes import Classes
from tvm_mnv3.validation.pictures import find_pictures

THREE = Classes.of(3, ("tench", "great white shark", "cock"))


def folder_of(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def labels_found(folder: Path, classes: Classes = THREE, **options: object) -> dict[str, int | None]:
    return {p.name: p.label for p in find_pictures(folder, classes, **options).pictures}  # type: ignore[arg-type]


def test_a_table_in_the_folder_labels_the_pictures(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a.jpg", "b.jpg")
    (folder / "labels.csv").write_text("file,class_index,class_name\na.jpg,0,tench\nb.jpg,2,cock\n")
    assert labels_found(folder) == {"a.jpg": 0, "b.jpg": 2}
    assert find_pictures(folder, THREE).labelled_by == "labels.csv"


def test_a_table_may_name_classes_in_any_spelling(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("path,class_name\nx/a.png,Great_White_Shark\n")
    assert labels_found(tmp_path, table=table) == {"x/a.png": 1}


def test_folders_are_named_by_label_or_by_number(tmp_path: Path) -> None:
    by_label = folder_of(tmp_path / "labels", "cock/a.jpg", "great_white_shark/b.JPEG", "cock/notes.txt")
    assert labels_found(by_label) == {"cock/a.jpg": 2, "great_white_shark/b.JPEG": 1}
    assert labels_found(folder_of(tmp_path / "numbers", "2/a.jpg", "0/b.jpg")) == {"0/b.jpg": 0, "2/a.jpg": 2}


def test_folders_of_other_names_count_in_order_if_none_is_missing(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "n03/a.jpg", "n01/b.jpg", "n02/c.jpg")
    assert labels_found(folder) == {"n01/b.jpg": 0, "n02/c.jpg": 1, "n03/a.jpg": 2}
    (folder / "n02" / "c.jpg").unlink()
    with pytest.raises(InputError, match=r"n01.*2 folders.*3 classes"):
        find_pictures(folder, THREE)


def test_pictures_without_labels_are_found_too(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "b.png", "a.jpg", "notes.txt")
    assert labels_found(folder) == {"a.jpg": None, "b.png": None}
    assert find_pictures(folder, THREE).labelled_by is None


def test_a_limit_spreads_over_all_pictures(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, *(f"{number:02}.jpg" for number in range(20)))
    assert list(labels_found(folder, limit=4)) == ["00.jpg", "05.jpg", "10.jpg", "15.jpg"]


def test_a_background_class_shifts_numbers_but_not_labels() -> None:
    google = Classes.of(1001, labels_for(1001))
    assert google.count_without_background == 1000
    assert google.index("0", "here") == google.index("tench", "here") == 1
    assert google.index("999", "here") == 1000
    assert Classes.of(1001, labels_for(1001), shift=0).index("1000", "here") == 1000
    assert Classes.of(1000, labels_for(1000)).index("0", "here") == 0


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("file,class_index\na.jpg,3\n", r"line 2: class 3 .* 3 classes"),
        ("file,class_name\na.jpg,trout\n", r"line 2: .*'trout'"),
        ("file,class_index\na.jpg,\n", r"line 2: .*missing"),
        ("picture,class\na.jpg,0\n", r"no column file .*picture, class"),
        ("", r"no column file"),
        ("file,class_index\n", "no pictures"),
    ],
)
def test_labels_that_do_not_match_are_refused_with_their_line(tmp_path: Path, table: str, words: str) -> None:
    folder = folder_of(tmp_path, "a.jpg")
    (folder / "labels.csv").write_text(table)
    with pytest.raises(InputError, match=words):
        find_pictures(folder, THREE)


def test_no_folder_and_no_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        find_pictures(tmp_path / "missing", THREE)
    with pytest.raises(InputError, match="no pictures"):
        find_pictures(tmp_path, THREE)
    with pytest.raises(InputError, match=r"missing\.csv"):
        find_pictures(tmp_path, THREE, table=tmp_path / "missing.csv")
