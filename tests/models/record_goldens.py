"""Records what the real torchvision and timm answer, so that equality is tested where they are not installed.

    PYTHONPATH=tests python tests/models/record_goldens.py

writes golden/networks.json: for each name the digest of its parameters' names and shapes, and eight logits for formula
weights and a formula picture (see support/library_models.py). Versions that recorded them are in the file.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

from support.library_models import formula_logits, library_model, shapes_digest

from tvm_mnv3.models import model_entries

GOLDEN = Path(__file__).resolve().parent / "golden" / "networks.json"
HEIGHT, WIDTH = 96, 64
LOGITS = 8


def main() -> None:
    """Write the file."""
    networks = {}
    for entry in model_entries():
        network = library_model(entry)
        logits = formula_logits(network, HEIGHT, WIDTH)
        networks[entry.name] = {
            "shapes_sha256": shapes_digest(network.state_dict()),
            "range": round(float(logits.max() - logits.min()), 4),
            "logits": [float(f"{value:.6g}") for value in logits[:LOGITS].tolist()],
        }
    recorded_with = {name: importlib.metadata.version(name) for name in ("torch", "torchvision", "timm")}
    content = {"recorded_with": recorded_with, "height": HEIGHT, "width": WIDTH, "networks": networks}
    GOLDEN.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
