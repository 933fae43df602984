"""``tvm-mnv3 tune``: from a model to a log that ``compile`` uses; stopped at any moment, it goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.command_line import MODEL, assert_refused, invoke, start

from tvm_mnv3.tuning.log_file import open_log, read_log

#: Kernels with few knobs, of which a trial takes a moment.
ONLY = ("--only", "dense_i192_o360_f32_bias_hswish", "--only", "se_c200_s48_f32_relu_hsigmoid")
SMALL = ("tune", MODEL, "--size", "64", "--core", "cortex-a76")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--device", "phone"), ("'phone'", "model:CORE")),
        (("--device", "local"), ("--target host",)),
        (("--target", "host", "--device", "model:cortex-a76"), ("--device local",)),
        (("--device", "model:m68k"), ("m68k",)),
        (("--space", "deep"), ("'deep'", "generated")),
        (("--device", "rpc://nowhere"), ("rpc://HOST:PORT/KEY",)),
    ],
)
def test_what_cannot_be_is_refused_before_the_work_begins(
    arguments: tuple[str, ...], words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = SMALL if "--target" not in arguments else ("tune", MODEL, "--size", "64")
    assert_refused(invoke(*asked, *arguments), 2, *words)


def test_log_that_another_tuner_holds_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with open_log(log):
        assert_refused(invoke(*SMALL, "--log", log), 2, "Another tuner holds", str(log))


@pytest.mark.slow
@pytest.mark.emulated
def test_interrupted_run_goes_on_and_compile_uses_what_it_found(
    tmp_path: Path, emulator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    log = tmp_path / "tuning_logs" / "cortex-a76.jsonl"
    process = start(*SMALL, *ONLY, "--trials", "400", cwd=tmp_path)
    while len(read_log(log).entries) < 3:
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "the same command goes on" in said
    before = read_log(log)
    assert not before.torn
    assert before.problems == ()

    more = len(before.entries) + 4
    again = invoke(*SMALL, *ONLY, "--trials", str(more))
    assert again.exit_code == 0, again.stderr
    assert f"the log has {len(before.entries)} trials from before" in again.stderr
    assert "all layers" in again.stdout
    after = read_log(log).entries
    assert after[: len(before.entries)] == before.entries
    assert len(after) == more

    compiled = invoke("compile", MODEL, "--size", "64", "--core", "cortex-a76", "--weights", "random")
    assert compiled.exit_code == 0, compiled.stderr
    tried = {entry.workload for entry in after}
    assert f"log for {len(tried)}" in compiled.stdout
    assert f"{len(tried)} modelled" in compiled.stdout


def test_help_needs_no_tvm() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "from tvm_mnv3.cli import app; app(['tune', '--help'])"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert "--patience" in done.stdout
    assert " tvm.ir" not in done.stderr
