"""The process of a tracker: ``python -m tvm_mnv3.devices.tracker_process HOST PORT``.

It prints ``ready`` once it listens, and ends when its standard input closes: with the one who started it, whatever ends
that. (The process that TVM's own `Tracker` starts outlives one that is killed.)
"""

from __future__ import annotations

import os
import sys


def main(host: str, port: int) -> None:
    """Serve until standard input closes."""
    # TVM would import PyTorch, where there is one: a second of two that a tracker has no use for.
    sys.modules["torch"] = None  # type: ignore[assignment]
    from tvm_mnv3.compat import rpc_tracker

    rpc_tracker.PopenTrackerServerState(host, port, port + 1, silent=True)
    print("ready", flush=True)
    sys.stdin.read()
    # The tracker's thread runs for ever.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
