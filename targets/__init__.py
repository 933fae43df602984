"""What is known of CPU cores: one TOML file per core, read into a frozen `Core`."""

from .catalog import core_names, load_core
from .core import Core
from .host import host_core

__all__ = ["Core", "core_names", "host_core", "load_core"]
