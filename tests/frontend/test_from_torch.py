from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.errors import InputError
from tvm_mnv3.frontend.from_torch import import_torch
from tvm_mnv3.frontend.imported import ImportedModel, TensorSpec

RunOnVm = Callable[..., list[np.ndarray]]

IMAGE = TensorSpec("image", (2, 4, 10, 10), "float32")


def operators(module: IRModule) -> set[str]:
    return {
        binding.value.op.name
        for block in module["main"].body.blocks
        for binding in block.bindings
        if isinstance(binding.value, relax.Call)
    }


def test_block_computes_what_pytorch_does_in_eval_mode(block: nn.Module, run_on_vm: RunOnVm) -> None:
    image = np.random.default_rng(0).normal(size=IMAGE.shape).astype("float32")
    (result,) = run_on_vm(import_torch(block, [IMAGE], name="block"), image)
    expected = block.eval()(torch.from_numpy(image)).detach().numpy()
    assert np.abs(result - expected).max() < 1e-5 * np.ptp(expected)


def test_main_has_only_the_input_as_parameter_and_no_dropout(block: nn.Module) -> None:
    imported = import_torch(block, [IMAGE], name="block-1")
    assert imported.name == "block_1"
    assert imported.inputs == (IMAGE,)
    assert imported.outputs == (TensorSpec("output", IMAGE.shape, "float32"),)
    assert [str(function.name_hint) for function in imported.module.functions] == ["main"]
    assert len(imported.module["main"].params) == 1
    assert "relax.nn.dropout" not in operators(imported.module)
    assert imported.provenance.format == "torch"


def test_the_module_keeps_its_own_modes(block: nn.Module) -> None:
    block.train()
    block.gate.eval()  # type: ignore[union-attr]
    before = [part.training for part in block.modules()]
    import_torch(block, [IMAGE], name="block")
    assert [part.training for part in block.modules()] == before


class TwoInTwoOut(nn.Module):
    def forward(self, x: torch.Tensor, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x * 2.0, index + index.sum()


def test_inputs_and_outputs_of_different_types(run_on_vm: RunOnVm) -> None:
    specs = [TensorSpec("features", (2, 3), "float32"), TensorSpec("classes", (4,), "int64")]
    imported = import_torch(TwoInTwoOut(), specs, name="two")
    assert imported.inputs == tuple(specs)
    assert imported.outputs == (TensorSpec("output0", (2, 3), "float32"), TensorSpec("output1", (4,), "int64"))
    x, index = np.arange(6, dtype="float32").reshape(2, 3), np.array([3, 1, 4, 1])
    doubled, shifted = run_on_vm(imported, x, index)
    np.testing.assert_array_equal(doubled, x * 2)
    np.testing.assert_array_equal(shifted, index + 9)


class NamedOutputs(nn.Module):
    def forward(self, x: torch.Tensor) -> dict[str, object]:
        return {"out": x + 1, "aux heads": [x * 2, x]}


def test_keys_of_a_dictionary_name_the_outputs() -> None:
    imported = import_torch(NamedOutputs(), [TensorSpec("x", (1, 3), "float32")], name="named")
    assert [output.name for output in imported.outputs] == ["out", "aux_heads_0", "aux_heads_1"]


class ReturnsNumber(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, int]:
        return x, 3


class DependsOnData(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2 if x.sum() > 0 else x


@pytest.mark.parametrize(
    ("module", "shape", "said"),
    [
        (nn.Linear(4, 5), (2, 3), r"torch.export failed for inputs x \[2, 3\] float32"),
        (nn.Bilinear(3, 3, 3), (2, 3), r"missing a required argument"),
        (ReturnsNumber(), (2, 3), r"output 3 is not a tensor"),
        (DependsOnData(), (2, 3), r"torch.export failed"),
        (nn.FractionalMaxPool2d(2, 2), (1, 1, 4, 4), r"fractional_max_pool2d"),
    ],
)
def test_what_cannot_be_imported_is_an_input_error(module: nn.Module, shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(InputError, match=rf"^bad: .*{said}"):
        import_torch(module, [TensorSpec("x", shape, "float32")], name="bad")


def test_unknown_dtype_is_an_input_error() -> None:
    with pytest.raises(InputError, match="no dtype 'float31'"):
        import_torch(nn.ReLU(), [TensorSpec("x", (1,), "float31")], name="relu")


@pytest.mark.slow
@pytest.mark.parametrize("network", ["mobilenet_v3_small", "mobilenet_v3_large"])
def test_torchvision_logits(network: str, torchvision_models: ModuleType, run_on_vm: RunOnVm) -> None:
    torch.manual_seed(0)
    module = getattr(torchvision_models, network)(num_classes=10).eval()
    image = np.random.default_rng(0).normal(size=(1, 3, 96, 96)).astype("float32")
    imported = import_torch(module, [TensorSpec("image", image.shape, "float32")], name=network)
    (logits,) = run_on_vm(imported, image)
    expected = module(torch.from_numpy(image)).detach().numpy()
    assert np.abs(logits - expected).max() < 1e-4 * np.ptp(expected)


def test_same_module_gives_the_same_imported_model(block: nn.Module) -> None:
    def text(imported: ImportedModel) -> str:
        return str(imported.module.script(show_meta=True))

    assert text(import_torch(block, [IMAGE], name="a")) == text(import_torch(block, [IMAGE], name="a"))
