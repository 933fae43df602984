"""DumpModule: write the IR to a file, as a pass."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tvm_mnv3.compat import IRModule


@dataclass(frozen=True)
class DumpModule:
    """Writes the module's TVMScript, without the values of its constants, and passes the module on.

    Parameters
    ----------
    folder
        Where to write; None to write nothing.
    name
        The file's name without its ``.py``.
    """

    folder: Path | None
    name: str

    def __call__(self, module: IRModule) -> IRModule:
        """Write `module` and return it as it is."""
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            text: str = module.script(show_meta=False)
            (self.folder / f"{self.name}.py").write_text(text, encoding="utf-8")
        return module
