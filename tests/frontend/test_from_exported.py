import io
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.export.pt2_archive._package import PT2ArchiveReader, PT2ArchiveWriter

from tvm_mnv3.errors import InputError
from tvm_mnv3.frontend.from_exported import import_pt2
from tvm_mnv3.frontend.imported import TensorSpec

RunOnVm = Callable[..., list[np.ndarray]]
MODEL = "models/model.json"


@pytest.fixture
def pt2(block: nn.Module, tmp_path: Path) -> Path:
    """The block exported with a dynamic batch."""
    path = tmp_path / "block.pt2"
    example = (torch.zeros(2, 4, 10, 10),)
    program = torch.export.export(block.eval(), example, dynamic_shapes=({0: torch.export.Dim("n")},))
    torch.export.save(program, path)
    return path


@pytest.mark.parametrize("batch", [1, 3])
def test_block_computes_what_pytorch_does_at_any_batch(
    batch: int, block: nn.Module, pt2: Path, run_on_vm: RunOnVm
) -> None:
    imported = import_pt2(pt2, batch=batch)
    assert imported.inputs == (TensorSpec("image", (batch, 4, 10, 10), "float32"),)
    assert imported.outputs == (TensorSpec("output", (batch, 4, 10, 10), "float32"),)
    assert len(imported.module["main"].params) == 1
    image = np.random.default_rng(0).normal(size=(batch, 4, 10, 10)).astype("float32")
    expected = block(torch.from_numpy(image)).detach().numpy()
    assert np.abs(run_on_vm(imported, image)[0] - expected).max() < 1e-5 * np.ptp(expected)


class KeywordInputs(nn.Module):
    def forward(self, x: torch.Tensor, *, index: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"doubled": x * 2, "next": index + 1}


def test_inputs_and_outputs_of_different_types(tmp_path: Path, run_on_vm: RunOnVm) -> None:
    path = tmp_path / "two.pt2"
    rows = torch.export.Dim.AUTO
    program = torch.export.export(
        KeywordInputs(),
        (torch.zeros(2, 3),),
        {"index": torch.zeros(4, dtype=torch.int64)},
        dynamic_shapes={"x": {0: rows}, "index": {0: rows}},
    )
    torch.export.save(program, path)
    imported = import_pt2(path, batch=5)
    assert imported.inputs == (TensorSpec("x", (5, 3), "float32"), TensorSpec("index", (5,), "int64"))
    assert imported.outputs == (TensorSpec("doubled", (5, 3), "float32"), TensorSpec("next", (5,), "int64"))
    x, index = np.ones((5, 3), "float32"), np.arange(5)
    doubled, following = run_on_vm(imported, x, index)
    np.testing.assert_array_equal(doubled, x * 2)
    np.testing.assert_array_equal(following, index + 1)


def test_fixed_batch_that_differs_from_the_option(tmp_path: Path) -> None:
    path = tmp_path / "relu.pt2"
    torch.export.save(torch.export.export(nn.ReLU(), (torch.zeros(2, 3, 4, 4),)), path)
    with pytest.raises(InputError, match=r"^relu\.pt2: the batch size of input 'input' is fixed at 2, not 1"):
        import_pt2(path)


def test_dynamic_height_names_input_dimension_and_option(tmp_path: Path) -> None:
    path = tmp_path / "relu.pt2"
    tall = torch.export.export(nn.ReLU(), (torch.zeros(1, 3, 8, 8),), dynamic_shapes=({2: torch.export.Dim("height")},))
    torch.export.save(tall, path)
    with pytest.raises(InputError, match=r"^relu\.pt2: dimension 2 .*--input-shape input=1,3,224,8"):
        import_pt2(path)
    assert import_pt2(path, input_shapes={"input": (1, 3, 6, 8)}).outputs[0].shape == (1, 3, 6, 8)


class Einsum(nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.einsum("nij, njk -> nik", a, b)


def test_strings_that_are_arguments_are_kept(tmp_path: Path, run_on_vm: RunOnVm) -> None:
    path = tmp_path / "einsum.pt2"
    torch.export.save(torch.export.export(Einsum(), (torch.zeros(1, 2, 3), torch.zeros(1, 3, 4))), path)
    a, b = np.ones((1, 2, 3), "float32"), np.arange(12, dtype="float32").reshape(1, 3, 4)
    np.testing.assert_allclose(run_on_vm(import_pt2(path), a, b)[0], a @ b)


def test_program_exported_in_training_mode(block: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "block.pt2"
    torch.export.save(torch.export.export(block.train(), (torch.zeros(2, 4, 10, 10),)), path)
    with pytest.raises(InputError, match=r"^block\.pt2: node 'batch_norm' .*training mode; call eval"):
        import_pt2(path, batch=2)


def test_truncated_program(pt2: Path) -> None:
    content = pt2.read_bytes()
    for length in (0, 10, len(content) // 2, len(content) - 1):
        pt2.write_bytes(content[:length])
        with pytest.raises(InputError, match=r"^block\.pt2 is not a readable exported program"):
            import_pt2(pt2)


# A model file is data, never code. Each payload below leaves a folder behind when it is executed.


class Evil:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


@pytest.fixture
def payload(tmp_path: Path) -> bytes:
    """A pickle that, as this fixture makes sure, makes the folder `trace` when it is loaded."""
    content = pickle.dumps(Evil(tmp_path / "trace"))
    pickle.loads(content)
    (tmp_path / "trace").rmdir()
    return content


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "trace"


def rewrite(path: Path, edit: Callable[[dict[str, bytes]], None]) -> None:
    """Change the records of an archive of torch.export.save."""
    reader = PT2ArchiveReader(io.BytesIO(path.read_bytes()))
    records = {name: reader.read_bytes(name) for name in reader.get_file_names()}
    edit(records)
    buffer = io.BytesIO()
    with PT2ArchiveWriter(buffer) as writer:
        for name, content in records.items():
            if not name.startswith(".data/") and name != "byteorder":
                writer.write_bytes(name, content)
    path.write_bytes(buffer.getvalue())


def edit_json(record: str, edit: Callable[[Any], None]) -> Callable[[dict[str, bytes]], None]:
    def apply(records: dict[str, bytes]) -> None:
        content = json.loads(records[record])
        edit(content)
        records[record] = json.dumps(content).encode()

    return apply


def test_rewriting_alone_changes_nothing(pt2: Path) -> None:
    rewrite(pt2, edit_json(MODEL, lambda model: None))
    assert import_pt2(pt2).outputs == (TensorSpec("output", (1, 4, 10, 10), "float32"),)


def test_pickle_that_is_called_pt2_is_not_loaded(payload: bytes, tmp_path: Path, trace: Path) -> None:
    path = tmp_path / "evil.pt2"
    for content in (payload, torch_save(Evil(trace))):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"^evil\.pt2 is not a readable exported program"):
            import_pt2(path)
        assert not trace.exists()


def torch_save(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def test_sample_inputs_are_not_unpickled(pt2: Path, trace: Path) -> None:
    evil = torch_save(Evil(trace))
    rewrite(pt2, lambda records: records.update({"data/sample_inputs/model.pt": evil}))
    assert import_pt2(pt2).inputs[0].name == "image"
    assert not trace.exists()


def test_pickled_weights_are_refused(pt2: Path, payload: bytes, trace: Path) -> None:
    def edit(records: dict[str, bytes]) -> None:
        config = json.loads(records["data/weights/model_weights_config.json"])
        entry = config["config"]["expand.0.weight"]
        entry["use_pickle"] = True
        records["data/weights/model_weights_config.json"] = json.dumps(config).encode()
        records["data/weights/" + entry["path_name"]] = payload

    rewrite(pt2, edit)
    with pytest.raises(InputError, match=r"^block\.pt2: 'expand\.0\.weight' is a pickled object"):
        import_pt2(pt2)
    assert not trace.exists()


def test_pickled_constants_are_refused(pt2: Path, payload: bytes, trace: Path) -> None:
    def edit(records: dict[str, bytes]) -> None:
        entry = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True, "tensor_meta": None}
        records["data/constants/model_constants_config.json"] = json.dumps({"config": {"c": entry}}).encode()
        records["data/constants/opaque_obj_0"] = payload

    rewrite(pt2, edit)
    with pytest.raises(InputError, match=r"^block\.pt2: 'c' is a pickled object"):
        import_pt2(pt2)
    assert not trace.exists()


def test_calls_of_anything_but_tensor_operators_are_refused(pt2: Path, trace: Path) -> None:
    def edit(model: Any) -> None:
        node = model["graph_module"]["graph"]["nodes"][0]
        node["target"] = "torch.os.mkdir"
        node["inputs"] = [{"name": "path", "arg": {"as_string": str(trace)}, "kind": 1}]

    rewrite(pt2, edit_json(MODEL, edit))
    with pytest.raises(InputError, match=r"^block\.pt2: node 'conv2d' calls 'torch\.os\.mkdir'"):
        import_pt2(pt2)
    assert not trace.exists()


def test_sizes_are_not_evaluated_as_python(pt2: Path, trace: Path) -> None:
    def edit(model: Any) -> None:
        size = model["graph_module"]["graph"]["tensor_values"]["image"]["sizes"][0]
        size["as_expr"]["expr_str"] = f"__import__('os').mkdir({str(trace)!r})"

    rewrite(pt2, edit_json(MODEL, edit))
    with pytest.raises(InputError, match=r"^block\.pt2: .* is not a size"):
        import_pt2(pt2)
    assert not trace.exists()


def test_names_are_not_compiled_into_code(pt2: Path, trace: Path) -> None:
    code = f"image=__import__('os').mkdir({str(trace)!r})"
    rewrite(pt2, edit_json(MODEL, lambda model: rename(model, "image", code)))
    with pytest.raises(InputError, match=r"^block\.pt2: .* is not a plain name"):
        import_pt2(pt2)
    assert not trace.exists()


def test_guards_are_not_compiled_into_code(pt2: Path, trace: Path) -> None:
    guard = f"__import__('os').mkdir({str(trace)!r}) is None"
    rewrite(pt2, edit_json(MODEL, lambda model: model["guards_code"].append(guard)))
    import_pt2(pt2)
    assert not trace.exists()


def rename(value: Any, old: str, new: str) -> None:
    """Replace a name everywhere in a JSON value."""
    if isinstance(value, dict):
        if old in value:
            value[new] = value.pop(old)
        for key, item in value.items():
            value[key] = new if item == old else item
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        rename(item, old, new)
