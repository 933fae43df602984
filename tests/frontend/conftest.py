"""Small networks, ONNX files and a way to run an imported model, for the frontends' tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import NodeProto, TensorProto, helper, numpy_helper
from torch import nn

from tvm_mnv3.compat import Target, relax, tvm
from tvm_mnv3.frontend.imported import ImportedModel

RunOnVm = Callable[..., list[np.ndarray]]
WriteOnnx = Callable[..., Path]


@pytest.fixture(scope="session")
def run_on_vm() -> RunOnVm:
    """``run_on_vm(imported, *arrays)``: the outputs of TVM's default build on this machine."""

    def run(imported: ImportedModel, *arrays: np.ndarray) -> list[np.ndarray]:
        executable = tvm.compile(imported.module, target=Target({"kind": "llvm"}))
        machine = relax.VirtualMachine(executable, tvm.cpu())
        result = machine["main"](*map(tvm.runtime.tensor, arrays))
        results = [result] if isinstance(result, tvm.runtime.Tensor) else list(result)
        return [each.numpy() for each in results]

    return run


@pytest.fixture
def write_onnx(tmp_path: Path) -> WriteOnnx:
    """``write_onnx(nodes, inputs, outputs, initializers, opset)``: the path of a new ONNX file."""

    def write(
        nodes: Sequence[NodeProto],
        inputs: Mapping[str, Sequence[int | str | None] | None],
        outputs: Sequence[str] = ("y",),
        initializers: Mapping[str, Any] | None = None,
        *,
        opset: int = 17,
        input_types: Mapping[str, int] | None = None,
        output_types: Mapping[str, int] | None = None,
        file: str = "net.onnx",
    ) -> Path:
        graph = helper.make_graph(
            list(nodes),
            "net",
            [
                helper.make_tensor_value_info(name, (input_types or {}).get(name, TensorProto.FLOAT), shape)
                for name, shape in inputs.items()
            ],
            [
                helper.make_tensor_value_info(name, (output_types or {}).get(name, TensorProto.FLOAT), None)
                for name in outputs
            ],
            [numpy_helper.from_array(np.asarray(v), name) for name, v in (initializers or {}).items()],
        )
        domains = {node.domain for node in nodes} - {""}
        opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
        path = tmp_path / file
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
        return path

    return write


class InvertedResidual(nn.Module):
    """One block of MobileNetV3 with everything in it: expansion, depthwise, squeeze-excite, projection, residual."""

    def __init__(self) -> None:
        super().__init__()
        self.expand = nn.Sequential(nn.Conv2d(4, 12, 1, bias=False), nn.BatchNorm2d(12), nn.Hardswish())
        self.depthwise = nn.Sequential(
            nn.Conv2d(12, 12, 5, padding=2, groups=12, bias=False), nn.BatchNorm2d(12), nn.Hardswish()
        )
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(12, 3, 1), nn.ReLU(), nn.Conv2d(3, 12, 1), nn.Hardsigmoid()
        )
        self.project = nn.Sequential(nn.Conv2d(12, 4, 1, bias=False), nn.BatchNorm2d(4), nn.Dropout(0.5))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        inner = self.depthwise(self.expand(image))
        return torch.add(image, self.project(inner * self.gate(inner)))


@pytest.fixture
def block() -> nn.Module:
    """An `InvertedResidual` in training mode, its batch norms with statistics and weights as after training."""
    torch.manual_seed(0)
    module = InvertedResidual()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            assert part.running_mean is not None
            assert part.running_var is not None
            for values in (part.running_mean, part.bias.data):
                nn.init.normal_(values, 0.0, 0.3)
            for values in (part.running_var, part.weight.data):
                nn.init.uniform_(values, 0.5, 2.0)
    return module


@pytest.fixture(scope="session")
def torchvision_models() -> Iterator[ModuleType]:
    """torchvision.models, also where torchvision's compiled operators, which no classifier needs, do not load."""
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for operator in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, operator):
            signature = f"{operator}(Tensor boxes, Tensor scores, float threshold) -> Tensor"
            library.define(signature)  # type: ignore[no-untyped-call]
    yield pytest.importorskip("torchvision.models", exc_type=ImportError)
    del library  # the definitions live as long as it does
