"""The device agent under qemu-user: a device for trying out what is meant for phones.

What it times says nothing about a phone: an emulator's wall time is never a latency.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from tvm_mnv3.devices.agent_program import agent_program
from tvm_mnv3.devices.emulated import find_emulator, stand_in
from tvm_mnv3.errors import EnvironmentProblem

#: ARM's part numbers of the cores that can be emulated (as runtime/agent/core_names.cc).
_PARTS = {
    "cortex-a53": "0xd03", "cortex-a55": "0xd05", "cortex-a72": "0xd08", "cortex-a73": "0xd09", "cortex-a76": "0xd0b",
    "neoverse-n1": "0xd0c", "cortex-a78": "0xd41", "cortex-x1": "0xd44",
}  # fmt: skip

_SWITCHES = ("--emulated", "--until-stdin-closes")
_CLOSING_SECONDS = 10


class EmulatedAgent:
    """An agent under the emulator, offered to a tracker; also a context manager that ends it.

    It ends by itself when this process does, whatever ends that.

    Parameters
    ----------
    core
        A core of `tvm_mnv3.targets.core_names`.
    tracker
        Host (a numeric IPv4 address) and port of the tracker.
    key
        What clients ask the tracker for.
    shared_key
        What clients must know besides; None lets in everyone whom the tracker sends.
    within
        A command that starts the emulator and gets its command line, such as ``("prlimit", "--fsize=1000")``.

    Raises
    ------
    EnvironmentProblem
        The emulator or the C++ compiler is missing.
    """

    def __init__(
        self,
        core: str,
        tracker: tuple[str, int],
        key: str,
        *,
        shared_key: str | None = None,
        within: tuple[str, ...] = (),
    ) -> None:
        emulator = find_emulator()
        program = agent_program()
        self._folder = tempfile.TemporaryDirectory(prefix="tvm-mnv3-device-")
        work, root = Path(self._folder.name, "work"), Path(self._folder.name, "root")
        work.mkdir()
        _describe_cores(root, core)
        options = ["--tracker", f"{tracker[0]}:{tracker[1]}", "--key", key, "--work", str(work), "--root", str(root)]
        if shared_key is not None:
            file = Path(self._folder.name, "shared_key")
            file.write_text(shared_key)
            options += ["--shared-key-file", str(file)]
        self.work_folder = work
        #: What the agent says, line by line.
        self.log = Path(self._folder.name, "log")
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*within, emulator, "-cpu", stand_in(core, emulator), str(program), *options, *_SWITCHES],
                stdin=subprocess.PIPE, stdout=log, stderr=log,
                # A Ctrl-C at the terminal is for the one who started the agent, and who ends it.
                start_new_session=True,
            )  # fmt: skip

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def check(self) -> None:
        """Raise `EnvironmentProblem` with its last words if it has ended by itself."""
        if not self.alive:
            said = (self.log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
            raise EnvironmentProblem(f"The emulated device ended by itself (exit {self._process.returncode}): {said}")

    def kill(self) -> None:
        """As when a phone is switched off: no farewell to anyone."""
        if self.alive:
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End it, and remove its files; a second call does nothing."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_CLOSING_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._folder.cleanup()

    def __enter__(self) -> EmulatedAgent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _describe_cores(root: Path, core: str) -> None:
    """The files in which a kernel would describe the emulated cores: an emulator shows those of this machine."""
    count = len(os.sched_getaffinity(0))
    paragraphs = (
        f"processor\t: {number}\nCPU implementer\t: 0x41\nCPU part\t: {_PARTS[core]}\n"
        for number in sorted(os.sched_getaffinity(0)) if core in _PARTS
    )  # fmt: skip
    cpuinfo, folder = root / "proc" / "cpuinfo", root / "sys" / "devices" / "system" / "cpu"
    cpuinfo.parent.mkdir(parents=True)
    folder.mkdir(parents=True)
    cpuinfo.write_text("\n".join(paragraphs))
    for name in ("present", "online"):
        (folder / name).write_text(f"0-{count - 1}\n")
