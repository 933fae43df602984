"""From a module as imported to the normal form: one flat list of passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tvm_mnv3.compat import IRModule
from tvm_mnv3.passes.convert_layout import convert_layout
from tvm_mnv3.passes.dataflow import SWEEP
from tvm_mnv3.passes.drop_identities import drop_identities
from tvm_mnv3.passes.dump_module import DumpModule
from tvm_mnv3.passes.fold_batch_norm import decompose_batch_norm, fold_scale_and_shift
from tvm_mnv3.passes.fold_constants import fold_constants
from tvm_mnv3.passes.fold_gate_factor import fold_gate_factor
from tvm_mnv3.passes.fold_padding import fold_padding
from tvm_mnv3.passes.fuse_convolutions import fuse_convolutions
from tvm_mnv3.passes.fuse_pooling import fuse_pooling
from tvm_mnv3.passes.fuse_squeeze_excite import fuse_squeeze_excite
from tvm_mnv3.passes.normal_form import CheckNormalForm
from tvm_mnv3.passes.normalize_activations import normalize_activations
from tvm_mnv3.passes.part_squeeze_excite import part_squeeze_excite
from tvm_mnv3.passes.pool_by_rows import pool_by_rows
from tvm_mnv3.passes.remove_transposes import remove_transposes
from tvm_mnv3.passes.unify_pooling import unify_pooling

Pass = Callable[[IRModule], IRModule]


def normalize(module: IRModule, *, dump: Path | None = None) -> IRModule:
    """Bring a module to the normal form.

    Parameters
    ----------
    module
        One Relax function ``main`` of static shapes, weights as constants: an `ImportedModel`'s module.
    dump
        A folder for the IR after each phase: ``00_imported.py``, ``01_folded.py``, ...

    Returns
    -------
    IRModule
        ``main`` as calls of composite functions (see `tvm_mnv3.passes.composite`), free reshapes, and ordinary
        channels-last operators for what has no template.

    Raises
    ------
    NormalFormError
        The module has something that has no normal form; the message names the operator. An `InputError`.
    """
    for step in passes(dump):
        module = step(module)
    return module


def passes(dump: Path | None = None) -> tuple[Pass, ...]:
    """The passes of `normalize`, in order."""
    return (
        DumpModule(dump, "00_imported"),
        SWEEP,
        CheckNormalForm("import"),
        # Phase 1: nothing that is known before the network runs is left to compute.
        drop_identities,
        fold_constants,
        fold_padding,
        decompose_batch_norm,
        fold_scale_and_shift,
        unify_pooling,
        DumpModule(dump, "01_folded"),
        CheckNormalForm("folding"),
        # Phase 2: one spelling per activation; what was rounded or folded around a gate finds its place.
        normalize_activations,
        fold_scale_and_shift,
        fold_gate_factor,
        DumpModule(dump, "02_activations"),
        CheckNormalForm("activations"),
        # Phase 3: channels last, and no transpose inside the network.
        convert_layout,
        remove_transposes,
        DumpModule(dump, "03_layout"),
        CheckNormalForm("layout"),
        # Phase 4: every kernel is a composite function. Squeeze-excite first: the others look for its gates.
        fuse_squeeze_excite,
        fuse_convolutions,
        fuse_pooling,
        part_squeeze_excite,
        pool_by_rows,
        remove_transposes,
        DumpModule(dump, "04_kernels"),
        CheckNormalForm("kernels"),
    )
