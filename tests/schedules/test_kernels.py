"""Every template's kernel, run on this machine against NumPy."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from support.kernels import KernelLibrary, defaults, lower_kernel, operands_of
from support.workloads import FAMILY, ODD

from tvm_mnv3.codegen.object_code import llvm_target, write_object
from tvm_mnv3.schedules.registry import TEMPLATES, template_for
from tvm_mnv3.targets import Core, load_core
from tvm_mnv3.workload import Workload

NAMES = (*FAMILY, *ODD)


def narrow(core: Core) -> Core:
    """The same machine with 128-bit vectors and a NEON core's choices: the tiles that ARM gets, run here."""
    return dataclasses.replace(core, vector_bits=128)


@pytest.fixture(scope="module", params=["host", "narrow"])
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> KernelLibrary:
    core = load_core("host") if request.param == "host" else narrow(load_core("host"))
    return KernelLibrary(defaults(NAMES, core), tmp_path_factory.mktemp(request.param), core)


def assert_close(outputs: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for output, reference in zip(outputs, expected, strict=True):
        rounding = 1e-5 if reference.dtype == np.float32 else 5e-3
        bound = rounding * max(1.0, float(np.abs(reference).max()))
        np.testing.assert_allclose(output.reshape(reference.shape), reference, rtol=0, atol=bound)


@pytest.mark.parametrize("name", NAMES)
def test_default_kernel_equals_the_reference(library: KernelLibrary, name: str) -> None:
    operands = operands_of(Workload.parse(name))
    assert_close(library.run(name, operands), library.expected(name, operands))


@pytest.mark.parametrize("name", NAMES)
def test_bits_do_not_depend_on_how_tasks_are_cut(library: KernelLibrary, name: str) -> None:
    operands = operands_of(Workload.parse(name))
    whole = library.run(name, operands)
    backwards = library.run_backwards(name, operands)
    for one, other in zip(whole, backwards, strict=True):
        assert one.tobytes() == other.tobytes()


def called_functions(object_file: Path) -> set[str]:
    """The symbols that an object file's code refers to."""
    with object_file.open("rb") as stream:
        elf = ELFFile(stream)
        symbols = elf.get_section_by_name(".symtab")
        return {
            symbols.get_symbol(relocation["r_info_sym"]).name
            for section in elf.iter_sections()
            if isinstance(section, RelocationSection)
            for relocation in section.iter_relocations()
        }


#: What every x86-64 processor has.
BASELINE = dataclasses.replace(
    load_core("host"), llvm_cpu="x86-64", llvm_attributes=(), vector_bits=128, vector_registers=16
)


@pytest.mark.parametrize(
    ("core", "triple", "in_software"),
    [
        (load_core("armv8-a"), "aarch64-linux-gnu", False),
        (BASELINE, "x86_64-linux-gnu", True),
    ],
    ids=["any ARM core", "x86 without F16C"],
)
def test_stored_weights_are_widened_by_instructions(core: Core, triple: str, in_software: bool, tmp_path: Path) -> None:
    names = [name for name in ODD if "_f32w16" in name]
    kernels = [lower_kernel(name, *both, core, triple) for name, both in defaults(names, core).items()]
    write_object(kernels, llvm_target(core, triple), tmp_path / "kernels.o")
    assert ("__extendhfsf2" in called_functions(tmp_path / "kernels.o")) == in_software


def test_no_assignment_makes_one_task_of_a_dense_layer_for_one_picture() -> None:
    workload, core = Workload.parse("dense_i960_o1280_f32_bias_hswish"), load_core("host")
    template = template_for(workload)
    assert template is not None
    # With order "rows" a task is a tile of rows, of which there is one.
    assert {knobs.order for knobs in template.knobs(workload, core)} == {"columns"}


def test_every_template_serves_a_workload_of_the_family() -> None:
    served = {template_for(Workload.parse(name)) for name in FAMILY}
    assert served == set(TEMPLATES)


@pytest.mark.parametrize(
    "name",
    [
        "pointwise_h7w7_i24_o40_f32_scale_bias_add",
        "dense_i24_o40_f32_bias_hswish",
        "depthwise_k5s2_h12w12_c24_f32_bias_hswish_pool",
        "depthwise_k5s2_h12w12_c24_f32_bias_hswish_rowpool",
        "depthwise_k3s1_h6w7_c24_f32_bias_relu",
        "conv_k3s2_h12w12_i3_o24_f32_nchw_bias_hswish",
        "se_c24_s8_f32_relu_hsigmoid",
        "pool_h7w7_c40_f32",
    ],
)
def test_every_assignment_of_the_space_equals_the_reference(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    workload = Workload.parse(name)
    core = narrow(load_core("host"))
    template = template_for(workload)
    assert template is not None
    space = template.knobs(workload, core)
    assert template.default(workload, core) in space
    assert len(set(space)) == len(space) > 1
    chosen = space[:: max(1, len(space) // 12)]
    library = KernelLibrary(
        {f"kernel{i}": (workload, knobs) for i, knobs in enumerate(chosen)}, tmp_path_factory.mktemp("space"), core
    )
    operands = operands_of(workload)
    expected = template.reference(operands, workload)
    for i in range(len(chosen)):
        assert_close(library.run(f"kernel{i}", operands), expected)
