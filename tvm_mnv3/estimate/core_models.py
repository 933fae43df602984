"""The models of cores whose cycles are reported, and which of them stand for which core."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CoreModel:
    """A way to price a block of instructions: llvm-mca's steady state of the block repeated, caches perfect.

    Parameters
    ----------
    name
        As figures carry it: ``n1``.
    llvm_cpu
        Whose scheduling model of LLVM's is used.
    dispatch
        Micro-operations a cycle instead of the model's own number, or None.
    instructions_per_cycle
        A limit that a block's cycles also keep, or None.
    multiply_adds_per_cycle
        Of 128 bits, that the model can start: what the floor is counted with.
    description
        One line for people.
    """

    name: str
    llvm_cpu: str
    dispatch: int | None
    instructions_per_cycle: int | None
    multiply_adds_per_cycle: int
    description: str


def _plain_model(name: str, llvm_cpu: str, multiply_adds_per_cycle: int) -> CoreModel:
    return CoreModel(name, llvm_cpu, None, None, multiply_adds_per_cycle, f"LLVM's {llvm_cpu} model")


N1 = _plain_model("n1", "neoverse-n1", 2)
#: LLVM's model dispatches 3 micro-operations a cycle. A Cortex-A76 decodes 4 instructions and dispatches 8 (Arm
#: Cortex-A76 Software Optimization Guide, 2.1).
N1_WIDE = CoreModel(
    "n1w",
    "neoverse-n1",
    8,
    4,
    2,
    "LLVM's neoverse-n1 model that dispatches 8 micro-operations of 4 instructions a cycle",
)
V1 = _plain_model("v1", "neoverse-v1", 4)
A57 = _plain_model("a57", "cortex-a57", 1)
A55 = _plain_model("a55", "cortex-a55", 2)
A53 = _plain_model("a53", "cortex-a53", 1)

#: The first model of a core decides the order of its kernels. LLVM has no model of its own for A72 to A78 and X1.
MODELS_OF_CORES = {
    "armv8-a": (N1_WIDE, N1),
    "cortex-a53": (A53,),
    "cortex-a55": (A55,),
    "cortex-a72": (N1_WIDE, N1, A57),
    "cortex-a73": (N1_WIDE, N1, A57),
    "cortex-a76": (N1_WIDE, N1),
    "cortex-a78": (N1_WIDE, N1),
    "cortex-x1": (N1_WIDE, N1, V1),
    "neoverse-n1": (N1_WIDE, N1),
}
