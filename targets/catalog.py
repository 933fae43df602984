"""The cores that have a description, by name, and this machine among them."""

from __future__ import annotations

import difflib
from pathlib import Path

from tvm_mnv3.errors import InputError

from .core import Core, read_core
from .host import host_core

_FOLDER = Path(__file__).resolve().parent


def core_names() -> tuple[str, ...]:
    """The names of all cores that have a description, sorted (without ``host``)."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_core(name: str) -> Core:
    """The core of that name.

    Parameters
    ----------
    name
        One of `core_names`, or ``host`` for the machine this runs on.

    Raises
    ------
    InputError
        There is no core of that name.
    """
    if name == "host":
        return host_core()
    known = core_names()
    if name not in known:
        close = difflib.get_close_matches(name.lower(), (*known, "host"), n=1)
        guess = f" Did you mean {close[0]!r}?" if close else ""
        raise InputError(f"There is no core {name!r}.{guess} Known cores: {', '.join(known)}, and host (this machine).")
    return read_core(_FOLDER / f"{name}.toml")
