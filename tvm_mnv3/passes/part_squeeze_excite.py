"""PartSqueezeExcite: a large ``se`` kernel becomes its two dense layers again, each a kernel that threads can share.

One kernel holds both layers in one task, because the second needs all of the first. That saves a call and a barrier,
which is what counts while a block's weights are read in a microsecond or two. The late blocks of V3-Large hold up to
1.8 MB; there one thread would read while the others wait: 125 microseconds of the 2400 that a run of V3-Large takes on
two threads of a Zen 4.
"""

from __future__ import annotations

from tvm_mnv3.compat import IRModule, relax
from tvm_mnv3.passes.composite import operands
from tvm_mnv3.passes.dataflow import Writer, rewrite, shape
from tvm_mnv3.passes.kernels import Composites, called_workload
from tvm_mnv3.workload import Workload

#: Multiply-adds of a picture from which a block is parted: of V3-Large the last five of eight, of V3-Small the last two
#: of nine. Measured on a Zen 4: the smallest of them takes 9 microseconds, two barriers about one each.
PARTED_FROM = 100_000


def part_squeeze_excite(module: IRModule) -> IRModule:
    """Write each large ``se`` composite of a module in normal form as two ``dense`` composites."""
    composites = Composites()

    def rule(writer: Writer, var: relax.Var, value: relax.Expr) -> bool:
        block = called_workload(value, module)
        if block is None or block.operator != "se" or block.multiply_adds < PARTED_FROM * block.batch:
            return False
        given = dict(zip(operands(block), value.args, strict=True))
        x = writer.emit(relax.op.reshape(given["data"], (block.batch, block.in_channels)))
        for number, layer in enumerate(layers(block), start=1):
            x = writer.emit(composites.call(writer, layer, [x, given[f"weight{number}"], given[f"bias{number}"]]))
        writer.bind(var, relax.op.reshape(x, shape(var)))
        return True

    return rewrite(module, rule)


def layers(block: Workload) -> tuple[Workload, Workload]:
    """The workloads of the squeezing and the exciting layer of an ``se`` workload."""
    wide, narrow = block.in_channels, block.out_channels
    squeeze, excite = block.epilogue
    return (
        Workload("dense", wide, narrow, batch=block.batch, dtype=block.dtype, epilogue=("bias", squeeze)),
        Workload("dense", narrow, wide, batch=block.batch, dtype=block.dtype, epilogue=("bias", excite)),
    )
