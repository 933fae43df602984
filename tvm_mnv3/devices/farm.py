"""A tracker and emulated devices, for trying out on one machine what is meant for many phones."""

from __future__ import annotations

import time
from types import TracebackType

from tvm_mnv3.devices.emulated_agent import EmulatedAgent
from tvm_mnv3.devices.tracker import Tracker, TrackerSummary
from tvm_mnv3.errors import EnvironmentProblem, InputError
from tvm_mnv3.targets import core_names

_START_SECONDS = 30.0


class Farm:
    """A tracker of its own, and agents under the emulator; also a context manager that ends them all.

    When it is made, every device is listed.

    Parameters
    ----------
    core
        The emulated core, of `tvm_mnv3.targets.core_names`.
    count
        How many devices.
    key
        What clients ask the tracker for; by default the core's name.
    host, port
        Where the tracker listens: this machine alone and a free port, unless told otherwise.
    shared_key
        As of `EmulatedAgent`.

    Raises
    ------
    InputError
        There is no such core.
    EnvironmentProblem
        The emulator or the compiler is missing, the port is taken, or a device ends before it is listed.
    """

    def __init__(
        self,
        core: str = "cortex-a76",
        *,
        count: int = 1,
        key: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        shared_key: str | None = None,
    ) -> None:
        if core not in core_names():
            raise InputError(f"There is no core {core!r} to emulate; choose one of {', '.join(core_names())}.")
        self.core = core
        self.key = key or core
        self.agents: list[EmulatedAgent] = []
        self._shared_key = shared_key
        self.tracker = Tracker(host, port)
        try:
            for _ in range(count):
                self.add()
            self._wait_until_listed(count)
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> tuple[str, int]:
        """The tracker's host and port, as a client on this machine reaches it."""
        host = self.tracker.host
        return ("127.0.0.1" if host == "0.0.0.0" else host, self.tracker.port)

    def summary(self) -> TrackerSummary:
        """What the tracker knows."""
        return self.tracker.summary()

    def add(self) -> EmulatedAgent:
        """One device more; it is listed a moment later."""
        agent = EmulatedAgent(self.core, self.address, self.key, shared_key=self._shared_key)
        self.agents.append(agent)
        return agent

    def revive(self) -> int:
        """Start a device anew for each that has ended; how many."""
        ended = [agent for agent in self.agents if not agent.alive]
        for agent in ended:
            self.agents.remove(agent)
            agent.close()
            self.add()
        return len(ended)

    def close(self) -> None:
        """End the devices and the tracker; a second call does nothing."""
        for agent in self.agents:
            agent.close()
        self.agents.clear()
        self.tracker.close()

    def __enter__(self) -> Farm:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait_until_listed(self, count: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while len(self.summary().with_key(self.key)) < count:
            for agent in self.agents:
                agent.check()
            if time.monotonic() > deadline:
                raise EnvironmentProblem(
                    f"Not all of the {count} emulated devices were listed within {_START_SECONDS:g} s; this machine "
                    "may be too busy for so many."
                )
            time.sleep(0.05)
