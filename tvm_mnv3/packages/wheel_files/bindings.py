"""tvm_mnv3.h and classifier.h for ctypes: the same structs and functions, by the same names."""

from __future__ import annotations

import ctypes
from pathlib import Path

ABI_VERSION = 2
ALIGNMENT = 64

#: Pixel formats, kinds of cores, interpolations and dtypes, as the headers number them.
FORMATS = {"RGB": 0, "BGR": 1, "RGBA": 2, "BGRA": 3, "NV21": 4}
CORES = {"big": 0, "little": 1, "all": 2}
INTERPOLATIONS = {"bilinear": 0, "bicubic": 1}
DTYPES = {"float32": 0, "float16": 1, "int8": 2, "uint8": 3, "int32": 4, "int64": 5}


class Tensor(ctypes.Structure):
    """``tvm_mnv3_tensor``."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("dtype", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("bytes", ctypes.c_size_t),
    )


class Picture(ctypes.Structure):
    """``tvm_mnv3_picture``."""

    _fields_ = (
        ("resize", ctypes.c_int32),
        ("crop", ctypes.c_int32),
        ("interpolation", ctypes.c_int32),
        ("mean", ctypes.c_float * 3),
        ("std", ctypes.c_float * 3),
    )


class ModelDescription(ctypes.Structure):
    """``tvm_mnv3_model``."""

    _fields_ = (
        ("abi_version", ctypes.c_uint32),
        ("num_inputs", ctypes.c_int32),
        ("num_outputs", ctypes.c_int32),
        ("name", ctypes.c_char_p),
        ("compiler", ctypes.c_char_p),
        ("inputs", ctypes.POINTER(Tensor)),
        ("outputs", ctypes.POINTER(Tensor)),
        ("context_size", ctypes.c_size_t),
        ("run", ctypes.c_void_p),
        ("picture", ctypes.POINTER(Picture)),
    )


class Pixels(ctypes.Structure):
    """``tvm_mnv3_pixels``."""

    _fields_ = (
        ("struct_size", ctypes.c_uint32),
        ("format", ctypes.c_int32),
        ("width", ctypes.c_int32),
        ("height", ctypes.c_int32),
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("stride", ctypes.c_size_t),
        ("chroma", ctypes.c_void_p),
        ("chroma_size", ctypes.c_size_t),
        ("chroma_stride", ctypes.c_size_t),
    )


class Options(ctypes.Structure):
    """``tvm_mnv3_options``."""

    _fields_ = (
        ("struct_size", ctypes.c_uint32),
        ("threads", ctypes.c_int32),
        ("cores", ctypes.c_int32),
        ("max_short_side", ctypes.c_int32),
        ("parallel", ctypes.c_void_p),
        ("labels", ctypes.c_char_p),
        ("labels_size", ctypes.c_size_t),
    )


class BestClass(ctypes.Structure):
    """``tvm_mnv3_result``."""

    _fields_ = (("index", ctypes.c_int32), ("score", ctypes.c_float), ("label", ctypes.c_char_p))


class Chosen(ctypes.Structure):
    """``tvm_mnv3_chosen``."""

    _fields_ = (
        ("struct_size", ctypes.c_uint32),
        ("threads", ctypes.c_int32),
        ("cores", ctypes.c_int32),
        ("cpus", ctypes.c_uint64),
        ("classes", ctypes.c_int32),
        ("memory", ctypes.c_size_t),
        ("context", ctypes.c_size_t),
    )


def open_classifier_library(file: Path) -> ctypes.CDLL:
    """The companion's shared library, its functions typed.

    Raises
    ------
    OSError
        The file is missing, cut off, or for another machine.
    """
    library = ctypes.CDLL(str(file))
    pointer = ctypes.c_void_p
    library.tvm_mnv3_status_text.argtypes = [ctypes.c_int32]
    library.tvm_mnv3_status_text.restype = ctypes.c_char_p
    library.tvm_mnv3_classifier_create.argtypes = [pointer, pointer, pointer]
    library.tvm_mnv3_classify.argtypes = [pointer, pointer, pointer, ctypes.c_int32]
    library.tvm_mnv3_prepare.argtypes = [pointer, pointer, pointer, ctypes.c_size_t]
    library.tvm_mnv3_classifier_chosen.argtypes = [pointer, pointer]
    library.tvm_mnv3_classifier_destroy.argtypes = [pointer]
    library.tvm_mnv3_classifier_destroy.restype = None
    return library
