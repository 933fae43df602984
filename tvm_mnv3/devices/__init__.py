"""Where a bundle can run: this machine, an emulated ARM core, a phone, behind one small interface."""

from .device import Device, Session
from .registry import device_names, open_device

__all__ = ["Device", "Session", "device_names", "open_device"]
