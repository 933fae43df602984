"""The project's errors: few classes under one base, each with the exit code that the command line returns.

A message is one sentence or two for the person at the keyboard: what was wrong, where (file, node, workload,
device), and what to do next.
"""

from __future__ import annotations


class Mnv3Error(Exception):
    """Base of every error that a user can cause or mend."""

    exit_code: int = 2


class GateError(Mnv3Error):
    """A gate (accuracy, latency) was not passed."""

    exit_code = 1


class InputError(Mnv3Error):
    """A model, a weights file, a picture or an option is not usable as it is."""

    exit_code = 2


class EnvironmentProblem(Mnv3Error):
    """A tool, a device or the network that the job needs is missing or broke."""

    exit_code = 3
