"""The runner's command line: what it says and returns when something is wrong, and that it leaves nothing behind."""

from __future__ import annotations

import subprocess
from pathlib import Path

import doubler
import numpy as np
import pytest

from tvm_mnv3.devices.helpers import runner_program


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(runner_program(doubler.HOST)), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def given(folder: Path, samples: int) -> Path:
    inputs = folder / "inputs"
    inputs.write_bytes(b"".join(array.tobytes() for i in range(samples) for array in doubler.sample(i)))
    return inputs


@pytest.mark.parametrize("threads", [1, 4])
def test_every_sample_of_the_file_is_run(tmp_path: Path, doubler_host: Path, threads: int) -> None:
    out = tmp_path / "outputs"
    done = run(doubler_host / "libdoubler.so", "doubler", threads, 3, given(tmp_path, 7), out)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    expected = [np.ravel(array) for i in range(7) for array in doubler.expected(doubler.sample(i))]
    np.testing.assert_array_equal(np.fromfile(out, np.float32), np.concatenate(expected))


def test_an_empty_file_gives_an_empty_file(tmp_path: Path, doubler_host: Path) -> None:
    out = tmp_path / "outputs"

    assert run(doubler_host / "libdoubler.so", "doubler", 1, 1, given(tmp_path, 0), out).returncode == 0
    assert out.read_bytes() == b""


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"prefix": "tripler"}, 2, "no function tripler_model"),
        ({"prefix": "x" * 1000}, 2, "too long"),
        ({"threads": "0"}, 2, "THREADS must be a number from 1 to 64, not 0"),
        ({"threads": "2x"}, 2, "THREADS must be a number"),
        ({"repeats": ""}, 2, "REPEATS must be a number"),
        ({"inputs": "absent"}, 2, "absent cannot be opened"),
        ({"library": "absent.so"}, 3, "does not load"),
        ({"outputs": "no/such/folder"}, 3, "no/such/folder cannot be opened"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    tmp_path: Path, doubler_host: Path, change: dict[str, str], code: int, said: str
) -> None:
    arguments = {
        "library": doubler_host / "libdoubler.so",
        "prefix": "doubler",
        "threads": 1,
        "repeats": 1,
        "inputs": given(tmp_path, 1),
        "outputs": tmp_path / "outputs",
    }
    done = run(*(arguments | change).values())

    assert done.returncode == code
    assert said in done.stderr
    assert done.stderr.startswith("runner: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("kept", "said"),
    [(4004 + 4002, "input n needs 4 bytes, 2 are left"), (2 * 4004 + 100, "input x needs 4000 bytes, 100 are left")],
)
def test_a_file_that_ends_inside_a_sample_leaves_no_output(
    tmp_path: Path, doubler_host: Path, kept: int, said: str
) -> None:
    cut = tmp_path / "cut"
    cut.write_bytes(given(tmp_path, 3).read_bytes()[:kept])
    done = run(doubler_host / "libdoubler.so", "doubler", 1, 1, cut, tmp_path / "outputs")

    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "outputs").exists()


def test_too_few_arguments_show_the_usage() -> None:
    done = run("lib.so")

    assert done.returncode == 2
    assert "usage: runner LIBRARY PREFIX THREADS REPEATS INPUT OUTPUT" in done.stderr
