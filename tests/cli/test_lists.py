from __future__ import annotations

from support.command_line import Invoke

from tvm_mnv3.models.registry import model_names
from tvm_mnv3.targets import core_names


def test_models_lists_every_name_once(invoke: Invoke) -> None:
    result = invoke("models")
    assert result.exit_code == 0
    first = [cells[0] for line in result.stdout.splitlines() if len(cells := line.split()) > 4]
    assert [name for name in first if "_" in name] == list(model_names())
    assert "216.6 M" in result.stdout


def test_targets_lists_every_core_once(invoke: Invoke) -> None:
    result = invoke("targets")
    assert result.exit_code == 0
    first = [line.split()[0] for line in result.stdout.splitlines() if line.strip()]
    assert [name for name in first if name in core_names()] == list(core_names())
