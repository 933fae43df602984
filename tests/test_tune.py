from dataclasses import replace

import pytest

from tvm_mnv3.codegen.kernels import workload_names
from tvm_mnv3.compile import import_asked, normal_form
from tvm_mnv3.options import CompileOptions
from tvm_mnv3.tune import workloads_of


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_workloads_are_known_without_weights(precision: str) -> None:
    asked = CompileOptions("tf_mobilenetv3_small_075", core="cortex-a76", input_size=64, precision=precision)
    filled = replace(asked, weights="random")
    assert workloads_of(asked) == dict(workload_names(normal_form(import_asked(filled), filled)))
