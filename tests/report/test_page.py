"""The page about a validation: one file, in order, with nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tvm_mnv3 import Bundle, CompileOptions
from tvm_mnv3.codegen.steps import read_steps
from tvm_mnv3.report.page import report_page
from tvm_mnv3.validate import ValidateOptions, validate
from tvm_mnv3.validation.gates import GateResult, Gates
from tvm_mnv3.validation.result import Skipped, Validation

Compile = Callable[[CompileOptions], Bundle]
NAME = "mobilenet_v3_small_035"
QUICK = CompileOptions(NAME, target="host", weights="random", input_size=64)
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Checker(HTMLParser):
    """Notes sections and addresses, and that every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sections: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "section":
            self.sections.append(values["id"] or "")
        self.addresses += [values[name] or "" for name in ("src", "href") if name in values and tag != "use"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for number in range(5):
        Image.fromarray(random.integers(0, 256, (70, 80, 3), dtype=np.uint8)).save(folder / f"<b>{number}.png")
    return folder


@pytest.fixture(scope="module")
def found(compiled: Compile, pictures: Path) -> Validation:
    gates = Gates(min_agreement=99.0, max_median_ms=10_000.0)
    options = ValidateOptions(compiled(QUICK).path, pictures, NAME, gates=gates, layers=True, profile=True, seconds=0.2)
    return validate(options)


def page_of(found: Validation, compiled: Compile, pictures: Path) -> tuple[str, Checker]:
    bundle = compiled(QUICK)
    text = report_page(found, pictures, read_steps(bundle.path).steps, bundle.manifest.labels)
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    return text, checker


def test_the_verdict_comes_first_and_everything_is_there(found: Validation, compiled: Compile, pictures: Path) -> None:
    text, checker = page_of(found, compiled, pictures)
    assert checker.sections == ["gates", "latency", "accuracy", "pictures", "layers", "kernels", "memory", "facts"]
    assert text.index("All gates passed (2)") < text.index('id="gates"')
    assert text.count("<svg") >= 3
    for step in found.profile.steps:  # type: ignore[union-attr]
        assert f"<code>{step.kernel}</code>" in text


def test_nothing_is_fetched_from_elsewhere(found: Validation, compiled: Compile, pictures: Path) -> None:
    text, checker = page_of(found, compiled, pictures)
    assert checker.addresses
    assert all(address.startswith("data:image/jpeg;base64,") for address in checker.addresses)
    assert not re.search(r"@import|url\((?!#)|src=[\"']http", text)
    assert str(pictures) not in text


def test_names_of_files_are_text_and_no_markup(found: Validation, compiled: Compile, pictures: Path) -> None:
    text, _ = page_of(found, compiled, pictures)
    assert "&lt;b&gt;0.png" in text
    assert "<b>0.png" not in text


def test_a_failed_gate_and_a_device_that_dropped_out_are_said_at_the_top(
    found: Validation, compiled: Compile, pictures: Path
) -> None:
    failed = replace(found, gates=(GateResult("min_top1", 75.0, 12.0, False),))
    text, _ = page_of(failed, compiled, pictures)
    assert "1 of 1 gates failed: min_top1." in text
    partial = replace(found, partial="latency: the cable is out", latency=None, profile=None, layers=None)
    text, checker = page_of(partial, compiled, pictures)
    assert "The measuring ended early. latency: the cable is out" in text
    assert "latency" not in checker.sections


def test_skipped_pictures_are_named(found: Validation, compiled: Compile, pictures: Path) -> None:
    text, _ = page_of(replace(found, skipped=(Skipped("x.jpg", "it is cut off"),)), compiled, pictures)
    assert "x.jpg</code> it is cut off" in text


def test_without_a_reference_the_pictures_that_are_wrong_are_shown(compiled: Compile, pictures: Path) -> None:
    found = validate(ValidateOptions(compiled(QUICK).path, pictures, seconds=0.1))
    text, checker = page_of(found, compiled, pictures)
    assert "pictures" not in checker.sections  # none has a label
    assert "No gates were set" in text
