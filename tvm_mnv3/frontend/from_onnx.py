"""An ONNX file becomes an `ImportedModel`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from onnx import ModelProto

from tvm_mnv3.frontend import main_function, onnx_fold, onnx_operators
from tvm_mnv3.frontend.imported import ImportedModel, Provenance
from tvm_mnv3.frontend.naming import c_identifier
from tvm_mnv3.frontend.onnx_file import check_valid, read_onnx, sha256
from tvm_mnv3.frontend.onnx_importer import to_relax
from tvm_mnv3.frontend.onnx_layers import onnx_layers
from tvm_mnv3.frontend.static_shapes import fix_shapes


def import_onnx(
    path: Path, *, batch: int = 1, input_shapes: Mapping[str, Sequence[int]] | None = None
) -> ImportedModel:
    """Import an ONNX file, weights as constants, all shapes static.

    Parameters
    ----------
    path
        The file. Weights may lie in external files beside it.
    batch
        What a symbolic first dimension of an input becomes; a fixed one must equal it.
    input_shapes
        Whole shapes for inputs that have other symbolic dimensions.

    Raises
    ------
    InputError
        No ONNX file, an unsupported operator, a dynamic shape, a batch size that is fixed at another value.
    """
    model = read_onnx(path)
    onnx_operators.check_supported(model, path.name)
    check_valid(model, path.name)
    onnx_operators.check_inference(model, path.name)
    shapes = fix_shapes(path.name, _declared_shapes(model), batch, input_shapes)
    onnx_fold.fix_inputs(model, shapes)
    onnx_fold.fold_constants(model)
    module = main_function.tidy(to_relax(model, path.name))
    main_function.check_static(module, path.name)
    return ImportedModel(
        name=c_identifier(path.stem),
        module=module,
        inputs=main_function.input_specs(module, list(shapes)),
        outputs=main_function.output_specs(module, [output.name for output in model.graph.output]),
        provenance=Provenance(source=path.name, format="onnx", weights=path.name, weights_sha256=sha256(path)),
        layers=onnx_layers(model),
    )


def _declared_shapes(model: ModelProto) -> dict[str, list[int | str | None] | None]:
    """The shapes of the inputs, in order; weights that the file lists among them are none."""
    weights = {tensor.name for tensor in model.graph.initializer}
    shapes: dict[str, list[int | str | None] | None] = {}
    for value in model.graph.input:
        if value.name not in weights:
            tensor = value.type.tensor_type
            shapes[value.name] = (
                # A dimension of 0 is how some exporters write an unnamed symbol.
                [dim.dim_value or dim.dim_param or None for dim in tensor.shape.dim]
                if tensor.HasField("shape")
                else None
            )
    return shapes
