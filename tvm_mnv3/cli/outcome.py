"""How a command ends: exit codes, one line for each kind of failure, and signals that clean up behind them.

Exit codes: 0 done; 1 a gate failed; 2 bad input or usage; 3 a device or a tool is missing or broke; 70 (sysexits.h's
EX_SOFTWARE) a bug; 128 + N ended by signal N, as shells report it (130 for Ctrl-C).
"""

from __future__ import annotations

import errno
import logging
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from tvm_mnv3.errors import Mnv3Error

BUG_EXIT_CODE = 70
ENVIRONMENT_EXIT_CODE = 3

_SIGNALS = (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()))
#: Trouble with a disk or its rights that no check of ours can foresee.
_DISK_ERRORS = (errno.ENOSPC, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EDQUOT)


class Interrupted(BaseException):
    """A signal asked to stop; not an `Exception`, so that nothing on the way takes it for a failure."""


class Interrupts:
    """Turns the signals that ask to stop into `Interrupted`, so that every ``finally`` on the way runs.

    TVM runs Python inside C++ and may turn that exception into another, or lose it: `received` is the truth, and
    `check` is called wherever the work can stop.
    """

    def __init__(self) -> None:
        self.received: int | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        # A second signal must not stop the cleaning up that the first one began.
        if self.received is None:
            self.received = number
            raise Interrupted

    def check(self) -> None:
        """Stop here if a signal has come."""
        if self.received is not None:
            raise Interrupted


@contextmanager
def _handling_signals() -> Iterator[Interrupts]:
    interrupts = Interrupts()
    # A signal that the parent has this process ignore (nohup) stays ignored.
    handled = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupts) for number in handled}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def reporting(debug: bool) -> Iterator[Interrupts]:
    """The body of every command: what it raises becomes a line on stderr and an exit code.

    Parameters
    ----------
    debug
        Also print the traceback, and let the warnings of TVM, PyTorch and onnx through.

    Raises
    ------
    typer.Exit
        With the exit code, in place of what the body raised.
    """
    with warnings.catch_warnings():
        if not debug:
            warnings.simplefilter("ignore")
            logging.disable(logging.WARNING)
        try:
            with _handling_signals() as interrupts:
                try:
                    yield interrupts
                # SystemExit: rich, whose reader has gone (`... | head`).
                except (typer.Exit, SystemExit, BrokenPipeError):
                    raise
                except BaseException as error:
                    if debug:
                        traceback.print_exc()
                    raise typer.Exit(_report(error, interrupts)) from None
        finally:
            logging.disable(logging.NOTSET)


def _report(error: BaseException, interrupts: Interrupts) -> int:
    """Say on stderr what happened, and return the exit code."""
    if interrupts.received is not None:
        _say(f"Interrupted ({signal.Signals(interrupts.received).name}).")
        return 128 + interrupts.received
    if isinstance(error, Mnv3Error):
        _say(f"Error: {error}")
        return error.exit_code
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        where = f"{error.filename}: " if error.filename else ""
        _say(f"Error: {where}{error.strerror}. Free some space or mend its rights, or choose another folder.")
        return ENVIRONMENT_EXIT_CODE
    _say(
        f"Error: this is a bug in tvm-mnv3 ({type(error).__name__}: {_first_line(error)}). "
        "Run the command again with --debug for the traceback, and please report it."
    )
    return BUG_EXIT_CODE


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else "no message"
