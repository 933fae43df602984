"""Emulated ARM cores as devices."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import doubler
import numpy as np
import pytest

from tvm_mnv3 import runtime
from tvm_mnv3.codegen.toolchain import compile_c, link_shared
from tvm_mnv3.devices import open_device
from tvm_mnv3.devices.emulated import EmulatedDevice
from tvm_mnv3.errors import EnvironmentProblem, InputError


def test_a_bundle_for_another_machine_is_refused_in_a_sentence(doubler_host: Path) -> None:
    if doubler.HOST.startswith("aarch64"):
        pytest.skip("this machine makes ARM bundles")

    with pytest.raises(InputError, match=r"compiled for x86_64, and emulated:cortex-a53.*--target arm"):
        open_device("emulated:cortex-a53").open(doubler_host)


def test_without_the_emulator_the_message_says_what_to_install(
    doubler_arm: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(EnvironmentProblem, match="qemu-user libc6-arm64-cross"):
        open_device("emulated:cortex-a76").open(doubler_arm)


@pytest.mark.emulated
@pytest.mark.parametrize(("libc", "variable"), [("glibc", "TVM_MNV3_ARM64_GLIBC"), ("musl", "TVM_MNV3_ARM64_MUSL")])
def test_without_a_loader_the_message_says_what_to_install(
    doubler_arm: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, emulator: str, libc: str, variable: str
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "nowhere"))

    with pytest.raises(EnvironmentProblem, match=f"apt-get install.*{variable}"):
        EmulatedDevice("cortex-a76", libc).open(doubler_arm)


@pytest.mark.emulated
def test_an_instruction_that_the_core_lacks_is_an_input_error(tmp_path: Path, doubler_arm: Path, emulator: str) -> None:
    """float16 arithmetic came with the cortex-a55: a library for that runs on an a76 and not on an a53."""
    bundle = tmp_path / "bundle"
    shutil.copytree(doubler_arm, bundle)
    source = tmp_path / "half.c"
    source.write_text(
        '#include "doubler.h"\n'
        '#define API __attribute__((visibility("default")))\n'
        "static const int64_t SHAPE[] = {1};\n"
        'static const tvm_mnv3_tensor X = {"x", TVM_MNV3_FLOAT16, 1, SHAPE, 2};\n'
        'static const tvm_mnv3_model MODEL = {TVM_MNV3_ABI_VERSION, 1, 1, "half", "by hand", &X, &X, 64};\n'
        "API size_t doubler_context_size(void) { return 64; }\n"
        "API const tvm_mnv3_model *doubler_model(void) { return &MODEL; }\n"
        "API int32_t doubler_run(void *c, const void *const *in, void *const *out, const tvm_mnv3_parallel *p) {\n"
        "  (void)c, (void)p;\n"
        "  const __fp16 *x = in[0];\n"
        '  __asm__(".arch armv8.2-a+fp16\\n ldr h0, [%0]\\n fadd h0, h0, h0\\n str h0, [%1]"\n'
        '          : : "r"(x), "r"(out[0]) : "v0", "memory");\n'
        "  return 0;\n"
        "}\n"
    )
    include = [Path(doubler.__file__).parent, runtime.FOLDER]
    objects = compile_c([source], triple=doubler.ARM, out=tmp_path, include=include, cpu="cortex-a76")
    link_shared(
        objects, triple=doubler.ARM, out=bundle / "libdoubler.so", exports=doubler.EXPORTS, soname="libdoubler.so"
    )
    manifest = json.loads((bundle / "model.json").read_text())
    manifest["inputs"] = manifest["outputs"] = [{"name": "x", "shape": [1], "dtype": "float16"}]
    (bundle / "model.json").write_text(json.dumps(manifest))
    x = np.array([1.5], np.float16)

    assert open_device("emulated:cortex-a76").open(bundle).run([x])[0] == 3.0
    assert open_device("emulated:cortex-a55").open(bundle).run([x])[0] == 3.0
    with pytest.raises(InputError, match="an instruction that cortex-a53 does not have"):
        open_device("emulated:cortex-a53").open(bundle).run([x])


@pytest.mark.emulated
def test_what_the_runner_says_reaches_the_user(tmp_path: Path, doubler_arm: Path, emulator: str) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(doubler_arm, bundle)
    manifest = json.loads((bundle / "model.json").read_text())
    (bundle / "model.json").write_text(json.dumps(manifest | {"prefix": "tripler"}))

    with pytest.raises(InputError, match="no function tripler_model"):
        open_device("emulated:cortex-a76").open(bundle).run(doubler.sample(0))
