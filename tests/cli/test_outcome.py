from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import warnings
from collections.abc import Callable, Iterator

import pytest
import typer

from tvm_mnv3.cli.outcome import Interrupts, reporting
from tvm_mnv3.errors import EnvironmentProblem, GateError, InputError


@pytest.fixture(autouse=True)
def _interrupts_reach_us() -> Iterator[None]:
    """As at a terminal: a shell's background job, and so some CI, starts with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _exit_code_of(error: BaseException, debug: bool = False) -> int:
    with pytest.raises(typer.Exit) as caught, reporting(debug):
        raise error
    return caught.value.exit_code


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [(GateError("Too slow."), 1), (InputError("Too wide."), 2), (EnvironmentProblem("No network."), 3)],
)
def test_an_expected_error_is_its_sentence_and_its_exit_code(
    error: Exception, exit_code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _exit_code_of(error) == exit_code
    assert capsys.readouterr() == ("", f"Error: {error}\n")


def test_a_bug_says_so_in_one_line_without_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_code_of(IndexError("out of range\nand more")) == 70
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "bug in tvm-mnv3 (IndexError: out of range)" in said
    assert "--debug" in said


def test_a_full_disk_is_not_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_code_of(OSError(errno.ENOSPC, "No space left on device", "model.json")) == 3
    assert "model.json: No space left on device" in capsys.readouterr().err


def test_debug_shows_the_traceback_and_keeps_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_code_of(InputError("Too wide."), debug=True) == 2
    said = capsys.readouterr().err
    assert "Traceback (most recent call last)" in said
    assert said.endswith("Error: Too wide.\n")


def _exit_code_of_run(work: Callable[[Interrupts], None]) -> int:
    with pytest.raises(typer.Exit) as caught, reporting(False) as interrupts:
        work(interrupts)
    return caught.value.exit_code


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_runs_what_cleans_up_and_is_told_in_one_line(
    number: signal.Signals, exit_code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)
    cleaned = []

    def work(interrupts: Interrupts) -> None:
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), number)
            cleaned.append("to its end, in spite of a second signal")

    assert _exit_code_of_run(work) == exit_code
    assert cleaned
    assert capsys.readouterr().err == f"Interrupted ({number.name}).\n"
    assert signal.getsignal(number) is before


def test_a_signal_that_was_swallowed_interrupts_at_the_next_check() -> None:
    def work(interrupts: Interrupts) -> None:
        with contextlib.suppress(BaseException):
            os.kill(os.getpid(), signal.SIGINT)
        interrupts.check()

    assert _exit_code_of_run(work) == 130


def test_a_signal_that_became_another_exception_is_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    def work(interrupts: Interrupts) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except BaseException:
            raise RuntimeError("what TVM makes of it") from None

    assert _exit_code_of_run(work) == 130
    assert "bug" not in capsys.readouterr().err


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with reporting(False):
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("debug", [False, True])
def test_warnings_and_log_lines_are_silent_unless_debugging(debug: bool, caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with reporting(debug):
            warnings.warn("deprecated", stacklevel=1)
            logging.getLogger("torch").warning("falls back")
    assert [str(warning.message) for warning in caught] == (["deprecated"] if debug else [])
    assert ("falls back" in caplog.text) == debug
    logging.getLogger("torch").warning("afterwards")
    assert "afterwards" in caplog.text
