"""Answers to pictures when the device drops out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tvm_mnv3 import Bundle, CompileOptions
from tvm_mnv3.devices import Session
from tvm_mnv3.errors import EnvironmentProblem
from tvm_mnv3.validation.answers import answer_pictures
from tvm_mnv3.validation.attempts import Attempts
from tvm_mnv3.validation.pictures import Picture

Compile = Callable[[CompileOptions], Bundle]
QUICK = CompileOptions("mobilenet_v3_small_035", target="host", weights="random", input_size=64)


class DroppingOut(Session):
    """Answers class 0 to everything, until so many calls were made."""

    def __init__(self, bundle: Bundle, calls: int) -> None:
        super().__init__(bundle.manifest.inputs, bundle.manifest.outputs)
        self.calls = calls

    def run_many(self, samples: Sequence[Sequence[Any]], threads: int = 1) -> list[list[Any]]:
        self.calls -= 1
        if self.calls < 0:
            raise EnvironmentProblem("The cable is out.")
        return [[-np.arange(1000, dtype=np.float32)[None]] for _ in samples]

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def fifty(tmp_path: Path) -> list[Picture]:
    file = tmp_path / "grey.png"
    Image.new("RGB", (70, 70), "grey").save(file)
    return [Picture(f"{number}.png", file, 0) for number in range(50)]


def test_what_was_answered_before_the_device_dropped_out_is_kept(compiled: Compile, fifty: list[Picture]) -> None:
    bundle = compiled(QUICK)
    answers = answer_pictures(bundle, DroppingOut(bundle, calls=1), fifty, None)
    assert answers.failure == "The cable is out."
    assert 0 < len(answers.pictures) < 50


def test_a_device_that_fails_at_once_is_an_error(compiled: Compile, fifty: list[Picture]) -> None:
    bundle = compiled(QUICK)
    with pytest.raises(EnvironmentProblem, match="cable"):
        answer_pictures(bundle, DroppingOut(bundle, calls=0), fifty, None)


def test_after_a_failure_nothing_more_is_measured() -> None:
    stages: list[str] = []
    attempts = Attempts(stages.append)

    def fail() -> int:
        raise EnvironmentProblem("The cable is out.")

    assert attempts.measure("first", lambda: 1) == 1
    assert attempts.measure("second", fail) is None
    assert attempts.measure("third", lambda: 3) is None
    assert stages == ["first", "second"]
    assert attempts.partial == "second: The cable is out."
