"""A log survives what happens to files: torn lines, foreign lines, a second tuner, a full disk."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tvm_mnv3.errors import InputError
from tvm_mnv3.tuning.entry import LogEntry
from tvm_mnv3.tuning.log_file import open_log, read_log, write_log

EntryOf = Callable[..., LogEntry]


@pytest.fixture
def log(tmp_path: Path, entry_of: EntryOf) -> Path:
    """A log with two entries."""
    file = tmp_path / "logs" / "cortex-a76.jsonl"
    with open_log(file) as writer:
        writer.append(entry_of(cycles=1.0, model="n1w"))
        writer.append(entry_of(cycles=2.0, model="n1w", index=1))
    return file


def test_log_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    assert read_log(tmp_path / "none.jsonl").entries == ()


def test_torn_last_line_costs_no_other_and_is_cut_off_by_the_next_writer(log: Path, entry_of: EntryOf) -> None:
    whole = log.read_bytes()
    log.write_bytes(whole[:-20])
    contents = read_log(log)
    assert len(contents.entries) == 1
    assert contents.torn
    assert contents.problems == ()
    with open_log(log) as writer:
        writer.append(entry_of(cycles=3.0, model="n1w"))
    assert [entry.cycles for entry in read_log(log).entries] == [1.0, 3.0]
    assert not read_log(log).torn


def test_foreign_lines_are_named_and_passed_over(log: Path) -> None:
    with log.open("ab") as stream:
        stream.write(b'{"some": "other tool"}\n\xff\xfe\n\n')
    contents = read_log(log)
    assert len(contents.entries) == 2
    assert [problem.split(", ")[1] for problem in contents.problems] == ["line 3", "line 4"]


def test_second_tuner_is_refused_and_the_log_is_free_when_the_first_ends(log: Path) -> None:
    hold = "import sys; from tvm_mnv3.tuning.log_file import open_log; from pathlib import Path\n"
    hold += "with open_log(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(log)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=r"Another tuner holds.*--log"), open_log(log):
            pass
        assert len(read_log(log).entries) == 2  # reading needs no lock
        other.communicate()
    with open_log(log):
        pass


def test_full_disk_loses_no_finished_entry(log: Path) -> None:
    """A limit on the size of files stands for the disk: the kernel ends a write in the middle in the same way."""
    before = log.read_bytes()
    write = f"""
import resource, signal
from pathlib import Path
from tvm_mnv3.errors import EnvironmentProblem
from tvm_mnv3.tuning.log_file import open_log, read_log
file = Path({str(log)!r})
entry = read_log(file).entries[0]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 50}, resource.RLIM_INFINITY))
with open_log(file) as writer:
    try:
        writer.append(entry)
    except EnvironmentProblem as problem:
        print(problem)
"""
    done = subprocess.run([sys.executable, "-c", write], capture_output=True, text=True)
    assert "cannot be written" in done.stdout, done.stderr
    assert "run the same command again" in done.stdout
    assert log.read_bytes() == before


def test_whole_log_appears_at_once(log: Path, entry_of: EntryOf) -> None:
    write_log(log, [entry_of(cycles=7.0, model="n1w")])
    assert [entry.cycles for entry in read_log(log).entries] == [7.0]
    assert [path.name for path in log.parent.iterdir()] == [log.name]


def test_folder_in_place_of_a_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be opened"), open_log(tmp_path):
        pass
    with pytest.raises(InputError, match="cannot be read"):
        read_log(tmp_path)
