"""What is done with logs besides tuning: look, join, check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tvm_mnv3.errors import InputError
from tvm_mnv3.targets import Core, core_names, load_core
from tvm_mnv3.tuning.entry import LogEntry, Trust, best_of
from tvm_mnv3.tuning.log_file import open_log, read_log, write_log
from tvm_mnv3.tuning.trustworthy import log_core, problem_with


@dataclass(frozen=True)
class CheckedLog:
    """What a check found.

    Parameters
    ----------
    entries
        Whole ones.
    usable
        Of them, those that ``compile`` may use.
    passed_over
        How many others have nothing wrong with them but are not for ``compile``, by what they are.
    problems
        A sentence for each thing that is wrong.
    """

    entries: int
    usable: int
    passed_over: Mapping[str, int]
    problems: tuple[str, ...]


def read_existing_log(file: Path) -> tuple[LogEntry, ...]:
    """The entries of a log.

    Raises
    ------
    InputError
        There is no such file.
    """
    if not file.is_file():
        raise InputError(f"There is no tuning log {file}.")
    return read_log(file).entries


def check_log(file: Path) -> CheckedLog:
    """Look at every line of a log.

    Raises
    ------
    InputError
        There is no such file.
    """
    read_existing_log(file)
    contents = read_log(file)
    problems = list(contents.problems)
    if contents.torn:
        problems.append(f"{file}: the last line has no end, for its writer was stopped; the next tuner cuts it off.")
    sentences = [_problem(entry) for entry in contents.entries]
    problems += dict.fromkeys(sentence for sentence in sentences if sentence is not None)
    right = [entry for entry, sentence in zip(contents.entries, sentences, strict=True) if sentence is None]
    passed_over = Counter(why for entry in right if (why := _why_not_used(entry)) is not None)
    return CheckedLog(len(contents.entries), len(right) - passed_over.total(), passed_over, tuple(problems))


def merge_logs(sources: Sequence[Path], destination: Path) -> tuple[LogEntry, ...]:
    """Write the best trustworthy entry of each workload, core and space of several logs; entries of failures vanish.

    The destination is read too, where it exists, and appears whole or not at all.

    Raises
    ------
    InputError
        A source does not exist, or a tuner holds the destination.
    """
    groups: dict[tuple[str, str, str], list[LogEntry]] = {}
    for entry in [e for source in sources for e in read_existing_log(source)]:
        groups.setdefault((entry.core, entry.workload, entry.space), []).append(entry)
    with open_log(destination):
        for entry in read_log(destination).entries:
            groups.setdefault((entry.core, entry.workload, entry.space), []).append(entry)
        usable = ([e for e in group if _problem(e) is None] for _, group in sorted(groups.items()))
        best = tuple(one for group in usable if (one := best_of(group)) is not None)
        write_log(destination, best)
    return best


def _why_not_used(entry: LogEntry) -> str | None:
    """What an entry is, if it is none of those that ``compile`` takes knobs from."""
    if entry.trust == Trust.FAILED:
        return "failed"
    if entry.trust == Trust.EMULATED:
        return "are an emulator's times"
    return "are of the generated space" if entry.space == "generated" else None


def _problem(entry: LogEntry) -> str | None:
    """Why this tvm-mnv3 cannot use an entry for the core that it names."""
    core = _core_of(entry)
    if core is None:
        return f"The entry for {entry.workload} was tuned for {entry.core}, which this tvm-mnv3 does not know."
    return problem_with(entry, core)


def _core_of(entry: LogEntry) -> Core | None:
    if entry.core in core_names():
        return load_core(entry.core)
    host = load_core("host") if entry.core.startswith("host-") else None
    return host if host is not None and log_core(host) == entry.core else None
