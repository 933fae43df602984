"""The bundle's manifest and folder: written whole, read back, and refused when it is not what was compiled."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from tvm_mnv3.codegen.bundle import (
    Bundle,
    KernelRecord,
    Manifest,
    check_free,
    new_folder,
    open_bundle,
    sha256,
    verify_files,
)
from tvm_mnv3.errors import InputError
from tvm_mnv3.tensor_spec import TensorSpec


def manifest(files: dict[str, str]) -> Manifest:
    return Manifest(
        name="net",
        prefix="net",
        library="libnet.so",
        header="net.h",
        target={"kind": "host", "triple": "x86_64-linux-gnu.2.28", "core": "host"},
        precision="fp32",
        inputs=(TensorSpec("input", (1, 3, 32, 32), "float32"),),
        outputs=(TensorSpec("output", (1, 10), "float32"),),
        preprocessing=None,
        labels=("a", "b"),
        provenance={"source": "net", "weights": "random (seed 0)", "note": None},
        versions={"tvm-mnv3": "0.1.0"},
        options={"batch": 1},
        sizes={"library": 1, "weights": 1, "context": 64, "multiply_adds": 3},
        kernels=(KernelRecord("pool_h7w7_c8_f32", "pool_h7w7_c8_f32", {"vectors": 1}, "default", 1, 1, 0, 64, 32),),
        files=files,
    )


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    folder = tmp_path / "bundle"
    with new_folder(folder, force=False) as unfinished:
        (unfinished / "libnet.so").write_bytes(b"library")
        written = manifest({"libnet.so": sha256(unfinished / "libnet.so")})
        (unfinished / "model.json").write_text(written.to_json())
    return open_bundle(folder)


def test_manifest_reads_back_equal(bundle: Bundle) -> None:
    assert bundle.manifest == manifest(dict(bundle.manifest.files))


def test_intact_files_verify(bundle: Bundle) -> None:
    verify_files(bundle)


def test_changed_file_is_named(bundle: Bundle) -> None:
    (bundle.path / "libnet.so").write_bytes(b"librarY")
    with pytest.raises(InputError, match=r"libnet\.so is not the file that was compiled"):
        verify_files(bundle)


def test_missing_file_is_named(bundle: Bundle) -> None:
    (bundle.path / "libnet.so").unlink()
    with pytest.raises(InputError, match=r"libnet\.so is missing"):
        verify_files(bundle)


@pytest.mark.parametrize("text", ["", "[]", "{}", "not json", '{"manifest_version": 1}'])
def test_broken_manifest_is_refused(bundle: Bundle, text: str) -> None:
    (bundle.path / "model.json").write_text(text)
    with pytest.raises(InputError, match=r"not a manifest .* compile the model again"):
        open_bundle(bundle.path)


def test_manifest_of_another_version_is_refused(bundle: Bundle) -> None:
    data = json.loads(dataclasses.replace(bundle.manifest, manifest_version=2).to_json())
    (bundle.path / "model.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match="manifest version 2, not 1"):
        open_bundle(bundle.path)


def test_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model\.json"):
        open_bundle(tmp_path)


def test_failed_writing_leaves_nothing_behind(tmp_path: Path) -> None:
    def write_half() -> None:
        with new_folder(tmp_path / "out", force=False) as folder:
            (folder / "libnet.so").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_failed_replacement_keeps_the_old_bundle(bundle: Bundle) -> None:
    before = bundle.manifest.to_json()
    with pytest.raises(RuntimeError), new_folder(bundle.path, force=True):
        raise RuntimeError
    assert open_bundle(bundle.path).manifest.to_json() == before
    assert [path.name for path in bundle.path.parent.iterdir()] == ["bundle"]


def test_interrupted_between_the_two_renames_the_old_bundle_comes_back(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bundle.manifest.to_json()
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if self.suffix == ".part":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), new_folder(bundle.path, force=True):
        pass
    assert open_bundle(bundle.path).manifest.to_json() == before
    assert [path.name for path in bundle.path.parent.iterdir()] == ["bundle"]


def test_existing_bundle_is_replaced_only_when_asked(bundle: Bundle) -> None:
    with pytest.raises(InputError, match="--force"):
        check_free(bundle.path, force=False)
    with new_folder(bundle.path, force=True) as folder:
        (folder / "new").touch()
    assert [path.name for path in bundle.path.iterdir()] == ["new"]


@pytest.mark.parametrize("force", [False, True])
def test_folder_with_something_else_is_never_replaced(tmp_path: Path, force: bool) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(InputError, match="not a bundle"):
        check_free(tmp_path, force=force)
