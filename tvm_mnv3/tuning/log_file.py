"""A tuning log on disk: JSON lines that are only ever appended to, one writer at a time."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tvm_mnv3.codegen.files import replacing
from tvm_mnv3.errors import EnvironmentProblem, InputError
from tvm_mnv3.tuning.entry import LogEntry

_OTHERWISE = "wait for its end, or name another log with --log (`tvm-mnv3 logs merge` joins them)"


@dataclass(frozen=True)
class LogContents:
    """What a log holds.

    Parameters
    ----------
    entries
        In the order in which they were written.
    problems
        A sentence for each line that is no entry, with its number.
    torn
        The last line has no end: its writer was stopped in the middle of it. It is not among the problems.
    """

    entries: tuple[LogEntry, ...]
    problems: tuple[str, ...] = ()
    torn: bool = False


def read_log(file: Path) -> LogContents:
    """Read a log; one that does not exist is empty.

    Raises
    ------
    InputError
        It cannot be read.
    """
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return LogContents(())
    except OSError as error:
        raise InputError(f"The tuning log {file} cannot be read: {error.strerror}.") from error
    whole, _, rest = data.rpartition(b"\n")
    entries, problems = [], []
    for number, line in enumerate(whole.split(b"\n") if whole else (), 1):
        if not line.strip():
            continue
        try:
            entries.append(LogEntry.from_json(line.decode("utf-8")))
        except ValueError as error:
            problems.append(f"{file}, line {number}, is not used: {_first_line(error)}.")
    return LogContents(tuple(entries), tuple(problems), bool(rest))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["it is no entry"])[0].rstrip(".")[:160]


class LogWriter:
    """Appends entries to a log that this process holds; see `open_log`."""

    def __init__(self, file: Path, stream: IO[bytes]) -> None:
        self.file = file
        self._stream = stream

    def append(self, entry: LogEntry) -> None:
        """Write a line, down to the disk: a crash or a reboot afterwards does not lose it.

        Raises
        ------
        EnvironmentProblem
            The disk is full or broken. What was written of the line is taken back.
        """
        end = self._stream.seek(0, os.SEEK_END)
        line = entry.to_json().encode() + b"\n"
        try:
            if self._stream.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._stream.fileno())
        except OSError as error:
            self._take_back(end)
            raise EnvironmentProblem(
                f"The tuning log {self.file} cannot be written: {error.strerror}. What was measured before is in it; "
                "free some space, then run the same command again: it goes on from there."
            ) from error

    def _take_back(self, end: int) -> None:
        with suppress(OSError):  # then the line is torn, which the next reader survives
            os.ftruncate(self._stream.fileno(), end)


@contextmanager
def open_log(file: Path) -> Iterator[LogWriter]:
    """A log to append to; it is made with its folder when it is missing, and a torn last line is cut off.

    Raises
    ------
    InputError
        Another tuner holds it, or it cannot be opened.
    """
    with _opened(file) as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"Another tuner holds the tuning log {file}; {_OTHERWISE}.") from error
        if not file.exists() or not os.path.samestat(os.fstat(stream.fileno()), file.stat()):
            raise InputError(f"The tuning log {file} was replaced at this very moment; run the command again.")
        _cut_torn_line(stream)
        yield LogWriter(file, stream)


def _opened(file: Path) -> IO[bytes]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("a+b", buffering=0)
    except OSError as error:
        raise InputError(
            f"The tuning log {file} cannot be opened: {error.strerror}; name another with --log."
        ) from error


def _cut_torn_line(stream: IO[bytes]) -> None:
    stream.seek(0)
    data = stream.read()
    whole = data.rfind(b"\n") + 1
    if whole != len(data):
        stream.truncate(whole)


def write_log(file: Path, entries: Sequence[LogEntry]) -> None:
    """Write a whole log anew; it appears whole or not at all."""
    with replacing(file) as unfinished:
        unfinished.write_text("".join(entry.to_json() + "\n" for entry in entries), encoding="utf-8")
