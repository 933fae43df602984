"""Reads a .pt2 file as data.

``torch.export.load`` trusts its file: it unpickles sample inputs, weights and constants, loads compiled
libraries, evaluates size expressions as Python and compiles names and guards into the graph module's source. So a
new archive is written in memory that has only the plain parts of the file (the graph as JSON, raw tensors), each
checked, and that one is loaded.
"""

from __future__ import annotations

import ast
import io
import json
import re
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.pt2_archive._package import PT2ArchiveReader, PT2ArchiveWriter

from tvm_mnv3.errors import InputError
from tvm_mnv3.frontend.foreign import first_line, quiet

#: Where torch.export.save puts things, for its default model name.
MODEL = "models/model.json"
SAMPLE_INPUTS = "data/sample_inputs/model.pt"
TENSOR_FOLDERS = ("data/weights/", "data/constants/")

#: Operators a graph may call: ATen's (but for the one that opens files) and arithmetic on sizes.
_TARGET = re.compile(
    r"torch\.ops\.aten\.(?!from_file\b)[A-Za-z0-9_]+\.[A-Za-z0-9_]+|torch\.sym_[a-z]+"
    r"|_operator\.(getitem|add|sub|mul|floordiv|truediv|mod|neg|pow|eq|ne|lt|le|gt|ge)"
)
#: Every other string: names (dotted for parameters), words, versions; none can end a Python string or name.
_PLAIN = re.compile(r"(?!__)[A-Za-z0-9_+\- ]*(\.(?!__)[A-Za-z0-9_+\- ]*)*")
#: Arguments of operators, such as ``nearest`` or einsum's ``ij,jk->ik``.
_ARGUMENT = re.compile(r"[A-Za-z0-9_.,> +\-]*")
_TREE_TYPES = ("builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict")
_SIZE_FUNCTIONS = (
    "Symbol",
    "Integer",
    "Add",
    "Mul",
    "Pow",
    "Max",
    "Min",
    "Mod",
    "FloorDiv",
    "CleanDiv",
    "CeilDiv",
)
_SIZE_SYNTAX = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.operator,
    ast.unaryop,
    ast.Call,
    ast.keyword,
    ast.Name,
)


def read_pt2(path: Path) -> ExportedProgram:
    """The exported program in `path`; nothing in the file is executed.

    Raises
    ------
    InputError
        The file is unreadable, no archive of torch.export.save, or holds more than a graph and its tensors.
    """
    try:
        with quiet():
            reader = PT2ArchiveReader(io.BytesIO(path.read_bytes()))
            records = {name: reader.read_bytes(name) for name in reader.get_file_names()}
            model = json.loads(records[MODEL])
    except Exception as error:  # torch raises RuntimeError, KeyError or AssertionError for what is no archive
        raise InputError(
            f"{path.name} is not a readable exported program, or is truncated; "
            "write it with torch.export.save of PyTorch 2.8 or newer."
        ) from error
    try:
        clean = _clean_archive(records, model)
    except _NotPlainError as error:
        raise InputError(f"{path.name}: {error}; a model file may hold data only.") from error
    except Exception as error:  # the JSON has another structure than torch's
        raise InputError(f"{path.name} is not a valid exported program: {first_line(error)}") from error
    try:
        with quiet():
            return torch.export.load(clean)
    except Exception as error:
        raise InputError(f"{path.name} cannot be loaded by torch.export: {first_line(error)}") from error


class _NotPlainError(Exception):
    """Something in the file is not plain data; the text says what."""


def _clean_archive(records: dict[str, bytes], model: dict[str, Any]) -> io.BytesIO:
    """An archive with the checked graph and the raw tensors of `records`, without sample inputs."""
    model["guards_code"] = []
    model["torch_version"] = ""
    graph_module = model["graph_module"]
    graph_module["metadata"] = {}
    for node in graph_module["graph"]["nodes"]:
        node["metadata"] = {}
        if not _TARGET.fullmatch(node["target"]):
            raise _NotPlainError(f"node {node.get('name')!r} calls {node['target']!r}, which is no operator of ATen")
    _check_plain(model)
    archive = io.BytesIO()
    with PT2ArchiveWriter(archive) as writer:
        writer.write_string(MODEL, json.dumps(model))
        writer.write_bytes(SAMPLE_INPUTS, b"")
        for folder in TENSOR_FOLDERS:
            _copy_tensors(records, folder, writer)
    archive.seek(0)
    return archive


def _copy_tensors(records: dict[str, bytes], folder: str, writer: Any) -> None:
    """Copy the raw tensors that the folder's table lists."""
    (table,) = (name for name in records if name.startswith(f"{folder}model_") and name.endswith("_config.json"))
    config = json.loads(records[table])
    _check_plain(config)
    written: set[str] = set()
    for name, entry in config["config"].items():
        if entry["use_pickle"] or entry["tensor_meta"] is None:
            raise _NotPlainError(f"{name!r} is a pickled object, not a raw tensor")
        file = folder + entry["path_name"]
        if file not in written:
            writer.write_bytes(file, records[file])
            written.add(file)
    writer.write_string(table, json.dumps(config))


def _check_plain(value: Any, key: str = "") -> None:
    """Raise unless all strings in a JSON value are such that torch can only take them for names and sizes."""
    if isinstance(value, dict):
        for name, item in value.items():
            _check_plain(name)
            _check_plain(item, name)
    elif isinstance(value, list):
        for item in value:
            _check_plain(item, key)
    elif isinstance(value, str):
        if key == "expr_str":
            _check_size(value)
        elif key in ("in_spec", "out_spec"):
            _check_tree(json.loads(value)[1])
        elif not (_ARGUMENT if key == "as_string" else _PLAIN).fullmatch(value):
            raise _NotPlainError(f"{value!r} is not a plain name")


def _check_tree(tree: dict[str, Any]) -> None:
    """Raise unless a pytree has only tuples, lists and dictionaries."""
    if tree["type"] is not None and tree["type"] not in _TREE_TYPES:
        raise _NotPlainError(f"an input or output is a {tree['type']!r}, not a tensor, tuple, list or dictionary")
    if tree["context"] is not None:
        _check_plain(json.loads(tree["context"]))
    for child in tree["children_spec"]:
        _check_tree(child)


def _check_size(expression: str) -> None:
    """Raise unless `expression`, which torch evaluates, is arithmetic on symbols and numbers."""
    for node in ast.walk(ast.parse(expression, mode="eval")):
        call = node.func if isinstance(node, ast.Call) else None
        if call is not None and not (isinstance(call, ast.Name) and call.id in _SIZE_FUNCTIONS):
            raise _NotPlainError(f"{expression!r} is not a size")
        if isinstance(node, ast.Constant):
            _check_plain(node.value)
        elif not isinstance(node, (*_SIZE_SYNTAX, ast.expr_context)):
            raise _NotPlainError(f"{expression!r} is not a size")
