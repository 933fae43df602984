"""What an app pays for a bundle on this machine: bytes, memory, the first picture, and the share of the resize.

    python -m benchmarks.app BUNDLE [--rounds 5]

Every round is a process of its own, so that its first picture is a cold one; the median of the rounds is printed.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tvm_mnv3.codegen.bundle import Bundle, open_bundle
from tvm_mnv3.codegen.library import build_shared_classifier, companion_cpu
from tvm_mnv3.packages.wheel_files import bindings
from tvm_mnv3.packages.wheel_files.classifier import PixelClassifier
from tvm_mnv3.targets import load_core

#: A camera's frame: height, width, RGB.
FRAME = (1080, 1920, 3)
WARM_RUNS = 200


def main() -> None:
    """Measure in rounds and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--companion", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    bundle = open_bundle(options.bundle)
    if options.companion:
        print(json.dumps(measure(bundle, options.companion)))
        return
    with tempfile.TemporaryDirectory() as folder:
        core = load_core("host")
        companion = build_shared_classifier(
            bundle.manifest.target["triple"], Path(folder), Path(folder, "libtvm_mnv3_classifier.so"),
            cpu=companion_cpu(core.isa, core.vector_bits),
        )  # fmt: skip
        command = [sys.executable, "-m", "benchmarks.app", str(options.bundle), "--companion", str(companion)]
        rounds = [
            json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            for _ in range(options.rounds)
        ]
    report(bundle, {name: statistics.median(found[name] for found in rounds) for name in rounds[0]})


def measure(bundle: Bundle, companion: Path) -> dict[str, float]:
    """One process: milliseconds and bytes."""
    frame = np.random.default_rng(0).integers(0, 256, FRAME, np.uint8)
    start = time.perf_counter()
    model = ctypes.CDLL(str(bundle.path / bundle.manifest.library))
    describe = model[f"{bundle.manifest.prefix}_model"]
    describe.restype = ctypes.c_void_p
    with PixelClassifier(bindings.open_classifier_library(companion), describe(), threads=1) as classifier:
        loaded = time.perf_counter()
        classifier.classify(frame)
        first = time.perf_counter()
        spec = bundle.manifest.inputs[0]
        out = np.empty(spec.shape, spec.dtype)
        prepared, whole = [], []
        for _ in range(WARM_RUNS):
            before = time.perf_counter()
            classifier.prepare(frame, out)
            between = time.perf_counter()
            classifier.classify(frame)
            prepared.append(between - before)
            whole.append(time.perf_counter() - between)
        chosen = classifier.chosen
    return {
        "load": 1e3 * (loaded - start),
        "first": 1e3 * (first - loaded),
        "prepare": 1e3 * statistics.median(prepared),
        "warm": 1e3 * statistics.median(whole),
        "memory": chosen["memory"] - chosen["context"],
    }


def report(bundle: Bundle, found: dict[str, float]) -> None:
    """One line per bar."""
    sizes = bundle.manifest.sizes
    network = found["warm"] - found["prepare"]
    print(f"{bundle.manifest.name} on this machine, one thread, a frame of {FRAME[1]}x{FRAME[0]} RGB")
    print(f"library beyond its weights   {(sizes['library'] - sizes['weights']) / 1e3:8.1f} kB")
    print(f"memory beyond the arena      {found['memory'] / 1e3:8.1f} kB")
    print(f"load and create              {found['load']:8.2f} ms")
    print(f"first picture                {found['first']:8.2f} ms")
    print(f"warm picture                 {found['warm']:8.2f} ms")
    print(f"resize and normalize         {found['prepare']:8.2f} ms, {found['prepare'] / network:.1%} of the network")


if __name__ == "__main__":
    main()
