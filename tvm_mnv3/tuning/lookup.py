"""The knobs that ``compile`` takes from tuning logs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from tvm_mnv3.errors import InputError
from tvm_mnv3.schedules.registry import template_for
from tvm_mnv3.targets import Core
from tvm_mnv3.tuning.entry import LogEntry, Trust, best_of
from tvm_mnv3.tuning.log_file import read_log
from tvm_mnv3.tuning.trustworthy import log_core, problem_with
from tvm_mnv3.workload import Workload

#: The folder that ``tune`` writes to and ``compile`` reads first, in the current folder.
LOCAL_FOLDER = Path("tuning_logs")
#: The word for ``--tuning-logs`` that asks for no log.
NO_LOGS = "none"


@dataclass(frozen=True)
class TunedKnobs:
    """What the logs say of a core's kernels.

    Parameters
    ----------
    knobs
        Typed, by the workload's name.
    entries
        The entry that each comes from.
    refused
        A sentence for each workload that has entries, none of which can be used; one for all of whose entries only the
        times of an emulator could be.
    problems
        A sentence for each line of the logs that is no entry.
    """

    knobs: Mapping[str, Any] = field(default_factory=dict)
    entries: Mapping[str, LogEntry] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def find_logs(asked: str | Path | None, core: Core) -> tuple[Path, ...]:
    """The log files for a core, the one to ask first first.

    Parameters
    ----------
    asked
        What ``--tuning-logs`` was given: a file, a folder with one file per core, ``none``, or None for
        ``./tuning_logs`` and then the logs that the package brings.

    Raises
    ------
    InputError
        The file or folder that was asked for does not exist, or the folder has no log of that core.
    """
    name = f"{log_core(core)}.jsonl"
    if asked is None:
        shipped = Path(str(files("tvm_mnv3.tuning_logs").joinpath(name)))
        local = (LOCAL_FOLDER / name).absolute()
        places = dict.fromkeys(path.resolve() for path in (local, shipped) if path.is_file())
        return tuple(places)
    if str(asked) == NO_LOGS:
        return ()
    place = Path(asked)
    file = place / name if place.is_dir() else place
    if not file.is_file():
        what = f"{place} has no log of {log_core(core)}" if place.is_dir() else f"there is no file {place}"
        raise InputError(f"--tuning-logs: {what}; make one with `tvm-mnv3 tune`, or use `--tuning-logs none`.")
    return (file,)


def tuned_knobs(logs: Iterable[Path], workloads: Iterable[str], core: Core) -> TunedKnobs:
    """The knobs for some workloads: of each the best entry that can be used.

    A measured entry outranks a modelled one whatever log it is in; among equals that of an earlier log is taken.
    """
    contents = [read_log(log) for log in logs]
    chosen, refused, emulated = {}, [], 0
    for name in dict.fromkeys(workloads):
        entries = [
            [e for e in log.entries if e.workload == name and e.space == "template" and e.trust < Trust.EMULATED]
            for log in contents
        ]
        usable = [[e for e in of_log if problem_with(e, core) is None] for of_log in entries]
        best = [entry for of_log in usable if (entry := best_of(of_log)) is not None]
        if best:
            chosen[name] = min(best, key=lambda entry: entry.trust)
        else:
            why_not = _refusals([e for of_log in entries for e in of_log], core)
            refused += why_not
            everything = [e for log in contents for e in log.entries]
            emulated += not why_not and any(e.workload == name and e.trust == Trust.EMULATED for e in everything)
    if emulated:
        refused.append(
            f"For {emulated} workloads the log has nothing but times of an emulator, which say nothing of a phone: "
            "they are not used."
        )
    problems = tuple(problem for log in contents for problem in log.problems)
    return TunedKnobs({name: _typed(entry) for name, entry in chosen.items()}, chosen, tuple(refused), problems)


def _refusals(entries: Sequence[LogEntry], core: Core) -> list[str]:
    """Why none of a workload's entries can be used, in one sentence: that of the newest."""
    sentences = [problem_with(entry, core) for entry in sorted(entries, key=lambda entry: entry.date)]
    return [sentence for sentence in sentences if sentence is not None][-1:]


def _typed(entry: LogEntry) -> Any:
    template = template_for(Workload.parse(entry.workload))
    assert template is not None, "entries without a template were refused"
    return template.knobs_type(**entry.knobs)
