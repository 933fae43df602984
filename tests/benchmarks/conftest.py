"""The benchmarks are not installed: they are imported from the checkout, as `python -m benchmarks.peers` does."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))
