"""The C and C++ that ships: what a compiled model is made with, and the helpers that stand beside it. No Python
inside."""

from __future__ import annotations

from pathlib import Path

#: The folder of the C sources and headers (for ``#include``).
FOLDER = Path(__file__).resolve().parent

#: What every model's library is linked with: the functions that a freestanding library must bring itself.
LIBRARY_SOURCES = (FOLDER / "memory.c", FOLDER / "math.c")

#: The companion thread pool.
POOL_SOURCES = (FOLDER / "thread_pool.c",)
POOL_HEADERS = tuple(FOLDER / name for name in ("tvm_mnv3.h", "thread_pool.h", "futex.h", "system_calls.h"))

#: The companion classifier (pixels to labels), which has the pool inside.
CLASSIFIER_SOURCES = (*sorted((FOLDER / "classifier").glob("*.c")), *POOL_SOURCES)
CLASSIFIER_HEADERS = (
    FOLDER / "classifier.h",
    FOLDER / "exponential.h",
    *sorted((FOLDER / "classifier").glob("*.h")),
    *POOL_HEADERS,
)

#: The functions of classifier.h.
CLASSIFIER_EXPORTS = tuple(
    f"tvm_mnv3_{name}"
    for name in (
        "classifier_chosen",
        "classifier_create",
        "classifier_destroy",
        "classify",
        "prepare",
        "status_text",
    )
)

#: The program that runs a model's library on a device.
RUNNER_SOURCES = (FOLDER / "runner.c", *POOL_SOURCES)

#: The device agent (see docs/tuning-devices.md), with the header that it shares with compiled models.
AGENT_SOURCES = tuple(sorted((FOLDER / "agent").glob("*.cc")))
AGENT_HEADERS = (*sorted((FOLDER / "agent").glob("*.h")), FOLDER / "tvm_ffi_abi.h", FOLDER / "tvm_mnv3.h")
#: What calls a library's kernels one by one, for ``profile`` and ``validate --layers``; alone, and as a program.
STEPPER_SOURCES = (FOLDER / "stepper.c",)
STEPPER_HEADERS = (FOLDER / "stepper.h",)
RECORDER_SOURCES = (FOLDER / "recorder.c", *STEPPER_SOURCES)
