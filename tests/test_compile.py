"""``compile`` end to end: what the bundle promises, what is refused, and what is left behind (nothing)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from tvm_mnv3 import Bundle, CompileOptions, InputError, compile_model, load
from tvm_mnv3.codegen.inspect_elf import inspect_shared_library
from tvm_mnv3.compile import STAGES
from tvm_mnv3.devices.emulated import EmulatedDevice
from tvm_mnv3.targets import Core, load_core
from tvm_mnv3.tuning.candidate import of_template, template_of
from tvm_mnv3.tuning.entry import LogEntry
from tvm_mnv3.tuning.log_file import write_log
from tvm_mnv3.workload import Workload

Compile = Callable[[CompileOptions], Bundle]
SMALL = CompileOptions("mobilenet_v3_small", target="arm", weights="random", tuning_logs="none")
#: ``svc #0``, the only way out of an ARM library without imports (Arm ARM, C6.2 "SVC").
SYSTEM_CALL = 0xD4000001


@pytest.fixture(scope="module")
def arm(compiled: Compile) -> Bundle:
    return compiled(SMALL)


def test_arm_library_stands_alone_and_shows_only_the_design_s_exports(arm: Bundle) -> None:
    facts = inspect_shared_library(arm.path / arm.manifest.library)
    assert facts.machine == "aarch64"
    assert facts.needed == ()
    assert facts.undefined == ()
    assert facts.exports == (
        "__tvm_ffi_context_size",
        "__tvm_ffi_run",
        "mobilenet_v3_small_context_size",
        "mobilenet_v3_small_model",
        "mobilenet_v3_small_run",
    )
    assert facts.segment_alignment == 16 * 1024


def system_calls(library: bytes) -> int:
    """How many instructions in the executable segments of an ARM library call the kernel."""
    program_headers, count = struct.unpack_from("<Q", library, 32)[0], struct.unpack_from("<H", library, 56)[0]
    found = 0
    for index in range(count):
        kind, flags, offset, _, _, size = struct.unpack_from("<IIQQQQ", library, program_headers + 56 * index)
        if kind == 1 and flags & 1:
            found += sum(word == SYSTEM_CALL for (word,) in struct.iter_unpack("<I", library[offset : offset + size]))
    return found


def test_run_cannot_allocate(arm: Bundle, tmp_path: Path) -> None:
    """No imported function, no system call: there is no memory it could get but the context and the stack."""
    library = arm.path / arm.manifest.library
    assert inspect_shared_library(library).undefined == ()
    assert system_calls(library.read_bytes()) == 0


def test_system_calls_are_found_where_there_are_some(tmp_path: Path) -> None:
    from tvm_mnv3.codegen.toolchain import compile_c, link_shared

    source = tmp_path / "exit.c"
    source.write_text('void leave(void) { __asm__ volatile("svc #0"); }\n')
    triple = "aarch64-linux-musl"
    objects = compile_c([source], triple=triple, out=tmp_path, extra=["-fvisibility=default"])
    library = link_shared(objects, triple=triple, out=tmp_path / "l.so", exports=["leave"], soname="l.so")
    assert system_calls(library.read_bytes()) == 1


@pytest.mark.emulated
def test_one_file_runs_under_glibc_and_musl_with_the_same_bits(arm: Bundle, emulator: str, musl: None) -> None:
    picture = np.random.default_rng(0).standard_normal((1, 3, 224, 224)).astype(np.float32)
    answers = []
    for libc in ("glibc", "musl"):
        with EmulatedDevice("cortex-a53", libc).open(arm.path) as session:
            answers += [session.run([picture], threads=threads)[0].tobytes() for threads in (1, 4)]
    assert len(set(answers)) == 1


def test_compiling_twice_gives_the_same_bytes(arm: Bundle, tmp_path: Path) -> None:
    again = compile_model(replace(SMALL, output=tmp_path / "elsewhere"))
    for file in sorted(path.relative_to(arm.path) for path in arm.path.rglob("*") if path.is_file()):
        assert (again.path / file).read_bytes() == (arm.path / file).read_bytes(), file


def test_manifest_says_what_was_compiled(arm: Bundle) -> None:
    manifest = arm.manifest
    assert manifest.provenance["weights"] == "random (seed 0)"
    assert manifest.target == {"kind": "arm", "triple": "aarch64-linux-gnu.2.28", "core": "armv8-a"}
    assert manifest.labels is not None
    assert len(manifest.labels) == 1000
    assert {kernel.origin for kernel in manifest.kernels} == {"default"}
    assert manifest.sizes["multiply_adds"] == pytest.approx(56.5e6, rel=0.01)
    assert manifest.sizes["library"] == (arm.path / manifest.library).stat().st_size
    files = {path.relative_to(arm.path).as_posix() for path in arm.path.rglob("*") if path.is_file()}
    assert set(manifest.files) == files - {"model.json"}


def test_knobs_of_a_log_are_used_and_said_and_an_old_entry_is_refused(compiled: Compile, tmp_path: Path) -> None:
    asked = CompileOptions("mobilenet_v3_small", core="cortex-a76", weights="random", input_size=32)
    bare = compiled(replace(asked, tuning_logs="none")).manifest
    first, second = (Workload.parse(str(kernel.workload)) for kernel in bare.kernels[3:5])
    entries = [entry_of(workload, load_core("cortex-a76")) for workload in (first, second)]
    write_log(tmp_path / "logs" / "cortex-a76.jsonl", [entries[0], replace(entries[1], template_version=99)])
    tuned = [
        compiled(replace(asked, tuning_logs=tmp_path / "logs")),
        compile_model(replace(asked, tuning_logs=tmp_path / "logs", output=tmp_path / "again")),
    ]
    manifest = tuned[0].manifest
    origins = {kernel.workload: (kernel.origin, kernel.knobs) for kernel in manifest.kernels}
    assert origins[first.name] == ("log", entries[0].knobs)
    assert origins[second.name] == ("default", bare.kernels[4].knobs)
    assert manifest.tuning["logs"] == ["cortex-a76.jsonl"]
    assert manifest.tuning["scores"] == {"modelled": 1}
    (sentence,) = manifest.tuning["refused"]
    assert f"{second.name} is of version 99" in sentence
    assert manifest.options["tuning_logs"] == "logs"
    assert tuned[0].manifest.files == tuned[1].manifest.files
    assert (tuned[0].path / "model.json").read_bytes() == (tuned[1].path / "model.json").read_bytes()


def entry_of(workload: Workload, core: Core) -> LogEntry:
    """A modelled entry with knobs that are not the default."""
    template = template_of(workload)
    other = next(k for k in template.knobs(workload, core) if k != template.default(workload, core))
    knobs = of_template(workload, other).knobs
    return LogEntry(
        workload.name, core.name, "template", template.operator, template.version, knobs, "model:cortex-a76",
        {"tvm-mnv3": "0.1.0"}, "2026-11-25T00:00:00Z", cycles=1.0, model="n1w",
    )  # fmt: skip


def test_weights_are_float16_anyway_in_float16_arithmetic(compiled: Compile) -> None:
    half = CompileOptions("mobilenet_v3_small", core="cortex-a76", precision="fp16", weights="random", input_size=32)
    asked, unasked = (compiled(replace(half, weights_storage=storage)).manifest for storage in ("fp16", "fp32"))
    assert asked.files == unasked.files
    assert (asked.weights_storage, unasked.weights_storage) == ("fp16", "fp16")


def test_stages_are_told_in_order(tmp_path: Path) -> None:
    told: list[str] = []
    asked = CompileOptions(
        "mobilenet_v3_small", tmp_path / "out", "host", weights="random", input_size=32, dump_ir=tmp_path / "ir"
    )
    compile_model(asked, told.append)
    assert tuple(told) == STAGES
    assert {"00_imported.py", "04_kernels.py"} < {path.name for path in (tmp_path / "ir").iterdir()}
    assert len(list((tmp_path / "ir" / "05_scheduled").iterdir())) > 20


def test_without_network_the_bare_demo_says_that_its_weights_are_random(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TVM_MNV3_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TVM_MNV3_WEIGHTS_URL", "http://127.0.0.1:9/")
    bundle = compile_model(CompileOptions("mobilenet_v3_small", tmp_path / "out", "host", input_size=32))
    assert bundle.manifest.provenance["weights"] == "random (seed 0)"
    assert "the weights are random" in bundle.manifest.provenance["note"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (CompileOptions("mobilenet_v3_smal"), "mobilenet_v3_small"),
        (CompileOptions(core="cortex-a99"), "cortex-a99"),
        (CompileOptions(core="host"), "no ARM core"),
        (CompileOptions(target="host", core="cortex-a76"), "--core goes with --target arm"),
        (CompileOptions(target="phone"), "'phone' is not one of arm, host"),
        (CompileOptions(precision="fp16"), "core with float16 arithmetic, which armv8-a does not have"),
        (CompileOptions(precision="fp16", core="cortex-a53"), "which cortex-a53 does not have"),
        (CompileOptions(precision="int4"), "'int4' is not one of fp32, fp16"),
        (CompileOptions(weights_storage="int8"), "--weights-storage 'int8' is not one of fp32, fp16"),
        (CompileOptions(input_size=100), "multiple of 32"),
        (CompileOptions(batch=0), "at least one picture"),
        (CompileOptions(normalization="unit"), "--normalize goes with a model file"),
        (CompileOptions(input_shapes={"x": (1, 3, 32, 32)}), "--input-shape goes with a model file"),
        (CompileOptions(weights="missing.pth"), r"missing\.pth"),
        (CompileOptions("missing.onnx"), r"missing\.onnx"),
    ],
)
def test_bad_options_are_refused_in_a_sentence_and_nothing_is_left(
    options: CompileOptions, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=said):
        compile_model(replace(options, weights=options.weights or None, output=Path("out")))
    assert list(tmp_path.iterdir()) == []


def test_named_options_are_refused_for_a_file(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    onnx.save(plain_network(), str(file))
    with pytest.raises(InputError, match=r"--weights goes with the name of a model; net\.onnx brings its own"):
        compile_model(CompileOptions(file, tmp_path / "out", weights="random"))


def test_existing_output_needs_force(tmp_path: Path, arm: Bundle) -> None:
    with pytest.raises(InputError, match="--force"):
        compile_model(replace(SMALL, output=arm.path))


@pytest.mark.parametrize("stage", STAGES)
def test_interrupted_at_any_stage_nothing_is_left(stage: str, tmp_path: Path) -> None:
    def interrupt(now: str) -> None:
        if now == stage:
            raise KeyboardInterrupt

    asked = CompileOptions("mobilenet_v3_small", tmp_path / "out", "host", weights="random", input_size=32)
    with pytest.raises(KeyboardInterrupt):
        compile_model(asked, interrupt)
    assert list(tmp_path.iterdir()) == []


def plain_network() -> onnx.ModelProto:
    """No MobileNetV3, but supported operators: a dilated convolution, a max pool, a sigmoid, an argmax."""
    random = np.random.default_rng(0)
    weights = {"w": random.standard_normal((8, 3, 3, 3)), "m": random.standard_normal((8 * 5 * 5, 10)) / 10}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], dilations=[2, 2], pads=[2, 2, 2, 2]),
        helper.make_node("Elu", ["a"], ["b"]),
        helper.make_node("MaxPool", ["b"], ["c"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("MatMul", ["d", "m"], ["e"]),
        helper.make_node("Sigmoid", ["e"], ["score"]),
        helper.make_node("ArgMax", ["score"], ["best"], axis=1, keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "plain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 10, 10])],
        [
            helper.make_tensor_value_info("score", TensorProto.FLOAT, [1, 10]),
            helper.make_tensor_value_info("best", TensorProto.INT64, [1]),
        ],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def with_scores(network: onnx.ModelProto) -> tuple[onnx.ModelProto, dict[str, tuple[str, int]]]:
    """The network with another output for each ArgMax, what it chooses by: that one's name and axis by the choice's."""
    renamed = {node.input[0]: node.output[0] for node in network.graph.node if node.op_type == "Identity"}
    chosen_by = {}
    for node in network.graph.node:
        if node.op_type == "ArgMax":
            axis = next(int(attribute.i) for attribute in node.attribute if attribute.name == "axis")
            chosen_by[renamed.get(node.output[0], node.output[0])] = (node.input[0], axis)
    outputs = {output.name for output in network.graph.output}
    added = {scores for scores, _ in chosen_by.values()} - outputs
    network.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in sorted(added))
    return network, chosen_by


def assert_agrees_with_onnx_runtime(file: Path, bundle: Bundle) -> None:
    network = onnx.load(file)
    names = [output.name for output in network.graph.output]
    network, chosen_by = with_scores(network)
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    inputs = {spec.name: random.random(spec.shape).astype(spec.dtype) for spec in bundle.manifest.inputs}
    with load(bundle.path) as model:
        outputs = model.run(*inputs.values(), threads=2)
    results = dict(zip([each.name for each in session.get_outputs()], session.run(None, inputs), strict=True))
    for name, output in zip(names, outputs, strict=True):
        expected = results[name]
        assert output.dtype == expected.dtype
        if name in chosen_by:
            scores, axis = chosen_by[name]
            # Where the two scores are equal but for rounding (4e-6 of the range is usual) either class may be chosen.
            expected = np.where(tied(results[scores], axis, output, expected), output, expected)
        np.testing.assert_allclose(output, expected, rtol=0, atol=1e-4 * max(1.0, float(np.ptp(expected))))


def tied(scores: np.ndarray, axis: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Where the scores of two choices differ by at most 1e-5 of the range of all."""
    kept_axes = [index.reshape(np.expand_dims(scores.max(axis), axis).shape) for index in (one, other)]
    first, second = (np.take_along_axis(scores, index, axis) for index in kept_axes)
    return (np.abs(first - second) <= 1e-5 * np.ptp(scores)).reshape(one.shape)


def test_network_of_another_family_compiles_through_the_fallback(tmp_path: Path) -> None:
    file = tmp_path / "plain.onnx"
    onnx.save(plain_network(), str(file))
    bundle = compile_model(CompileOptions(file, tmp_path / "out", "host"))
    assert "fallback" in {kernel.origin for kernel in bundle.manifest.kernels}
    assert_agrees_with_onnx_runtime(file, bundle)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["ssdlite320_mobilenet_v3_large_coco_raw_fp32.onnx", "lraspp_mobilenet_v3_small_street5_fp32.onnx"]
)
def test_detection_and_segmentation_agree_with_onnx_runtime(compiled: Compile, shared: Path, name: str) -> None:
    file = shared / "models" / name
    assert_agrees_with_onnx_runtime(file, compiled(CompileOptions(file, target="host")))


def test_unwritable_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be made"):
        compile_model(CompileOptions("mobilenet_v3_small", tmp_path / "file" / "out", "host", weights="random"))


def test_prefix_that_is_no_c_name_is_refused(tmp_path: Path) -> None:
    asked = CompileOptions("mobilenet_v3_small", tmp_path / "out", "host", weights="random", input_size=32)
    with pytest.raises(InputError, match="cannot begin the name of a C function"):
        compile_model(replace(asked, prefix="2 fast"))
    assert not (tmp_path / "out").exists()
