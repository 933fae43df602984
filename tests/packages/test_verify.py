"""``verify``: a package as it was made passes, everything else gets a sentence, whatever its bytes are."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.command_line import assert_refused, invoke

from tvm_mnv3.errors import InputError
from tvm_mnv3.packages.verify import verify_package
from tvm_mnv3.packages.zips import write_zip


@pytest.fixture
def copy(cmake: Path, tmp_path: Path) -> Path:
    return shutil.copytree(cmake, tmp_path / "copy")


def test_packages_as_made_are_right(cmake: Path, wheel: Path) -> None:
    assert verify_package(cmake).kind == "cmake"
    assert verify_package(wheel).kind == "python"
    assert [model["prefix"] for model in verify_package(wheel).models] == ["quick"]


def test_a_changed_file_is_named(copy: Path) -> None:
    (copy / "share/quick/labels.txt").write_text("another\n")
    with pytest.raises(InputError, match=r"share/quick/labels\.txt is not the file that was packed"):
        verify_package(copy)


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "lib/x86_64/libquick.so").unlink()
    with pytest.raises(InputError, match=r"lib/x86_64/libquick\.so is missing"):
        verify_package(copy)


def test_an_added_file_is_named(copy: Path) -> None:
    (copy / "lib/x86_64/libmore.so").write_bytes(b"more")
    with pytest.raises(InputError, match=r"not packed: lib/x86_64/libmore\.so"):
        verify_package(copy)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"package_version": 2}', '{"package_version": 1, "files": []}', "[" * 100_000, "\udcff",
     '{"package_version": 1, "kind": "cmake", "models": [1], "files": {}}',
     '{"package_version": 1, "kind": "cmake", "models": [], "files": {"a": 1}}'],
    ids=range(9),
)  # fmt: skip
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "package.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InputError, match="no manifest that can be read"):
        verify_package(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip", bytes(1000)])
def test_a_file_that_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.aar").write_bytes(content)
    with pytest.raises(InputError, match="no package that can be read"):
        verify_package(tmp_path / "x.aar")


def test_a_zip_that_is_no_package_is_refused(tmp_path: Path) -> None:
    write_zip(tmp_path / "x.aar", {"a.txt": b"a"})
    with pytest.raises(InputError, match=r"it has no package\.json"):
        verify_package(tmp_path / "x.aar")


def test_damage_anywhere_in_a_zip_is_a_sentence_and_never_a_traceback(wheel: Path, tmp_path: Path) -> None:
    """A thousand damaged copies of the parts that a reader parses: headers, the directory, the manifest."""
    small = tmp_path / "small.whl"
    with zipfile.ZipFile(wheel) as archive:
        kept = {name: archive.read(name) for name in archive.namelist() if not name.endswith(".so")}
    write_zip(small, kept)
    whole, damaged, chance = small.read_bytes(), tmp_path / "damaged.whl", random.Random(0)
    for _ in range(1000):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(data)) if chance.random() < 0.3 else len(data) - 1 - chance.randrange(2000)
            data[at] = chance.randrange(256)
        damaged.write_bytes(data[: chance.randrange(len(data))] if chance.random() < 0.2 else data)
        with pytest.raises(InputError):
            verify_package(damaged)


@pytest.mark.slow
def test_the_reader_is_fuzzed(wheel: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no atheris (pip install atheris)")
        pytest.skip("no atheris (pip install atheris)")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        kept = {name: archive.read(name) for name in archive.namelist() if name.endswith(("package.json", "RECORD"))}
    write_zip(tmp_path / "small.whl", kept)
    (corpus / "zip").write_bytes(b"z" + (tmp_path / "small.whl").read_bytes())
    manifest = next(data for name, data in kept.items() if name.endswith("package.json"))
    (corpus / "manifest").write_bytes(b"m" + manifest)
    fuzzer = Path(__file__).with_name("fuzz_verify.py")
    command = [sys.executable, fuzzer, "-max_total_time=20", "-timeout=10", "-seed=1", "-max_len=8192", corpus]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(list(corpus.iterdir())) > 10  # it got somewhere


def test_the_command_prints_what_is_inside_or_one_line(cmake: Path, copy: Path, tmp_path: Path) -> None:
    done = invoke("verify", cmake)
    assert done.exit_code == 0
    assert "every SHA-256 right" in done.stdout
    assert "quick for aarch64-linux-gnu.2.28" in done.stdout
    (copy / "package.json").unlink()
    assert_refused(invoke("verify", copy), 2, "no package of tvm-mnv3")
    assert_refused(invoke("verify", tmp_path / "nowhere"), 2, "does not exist")
    assert_refused(invoke("package", cmake, "--for", "cmake", "-o", tmp_path / "x"), 2, "is not a bundle")
