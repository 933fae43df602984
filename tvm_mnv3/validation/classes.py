"""A bundle's classes by number and by label."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tvm_mnv3.errors import InputError

BACKGROUND = "background"


@dataclass(frozen=True)
class Classes:
    """The classes of a classifier.

    Parameters
    ----------
    count
        How many there are, a background class among them.
    labels
        One per class, or None where they are not known.
    shift
        What to add to a number in a table or a folder's name: 1 where class 0 of the bundle is a background that data
        sets do not count (Google's checkpoints of 1001 classes).
    """

    count: int
    labels: tuple[str, ...] | None
    shift: int
    _by_label: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, count: int, labels: Sequence[str] | None, shift: int | None = None) -> Classes:
        """The classes of a bundle; `shift` None finds it from the labels."""
        has_background = bool(labels) and labels is not None and labels[0] == BACKGROUND
        by_label: dict[str, int] = {}
        for index, label in enumerate(labels or ()):
            by_label.setdefault(_plain(label), index)
        found = int(has_background) if shift is None else shift
        return cls(count, tuple(labels) if labels is not None else None, found, by_label)

    @property
    def count_without_background(self) -> int:
        """How many classes a data set has."""
        return self.count - self.shift

    def knows(self, name: str) -> bool:
        """Whether that is a number within range, or a label."""
        if name.isdecimal():
            return 0 <= int(name) + self.shift < self.count
        return _plain(name) in self._by_label

    def index(self, name: str, where: str) -> int:
        """The bundle's class of a number or a label.

        Raises
        ------
        InputError
            There is no such class; `where` says where it stands.
        """
        if name.isdecimal():
            return self.shifted(int(name), where)
        if _plain(name) not in self._by_label:
            raise InputError(f"{where}: there is no class {name!r} among the bundle's {self.count} labels.")
        return self._by_label[_plain(name)]

    def shifted(self, number: int, where: str = "A label") -> int:
        """The bundle's class of a data set's number."""
        if not 0 <= number + self.shift < self.count:
            raise InputError(
                f"{where}: class {number} does not match the bundle, which has {self.count_without_background} classes"
                f"{' beside the background' if self.shift else ''}."
            )
        return number + self.shift

    def label(self, index: int) -> str:
        """What to call a class of the bundle."""
        return self.labels[index] if self.labels is not None else f"class {index}"


def _plain(label: str) -> str:
    """Labels are compared by their letters and digits: ``great_white_shark`` is ``great white shark``."""
    return re.sub(r"[^a-z0-9]+", " ", label.lower()).strip()
