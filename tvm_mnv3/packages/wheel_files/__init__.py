"""A MobileNetV3 compiled by tvm-mnv3: pictures or tensors in, labels or tensors out. Needs NumPy and nothing else."""

from __future__ import annotations

from .classifier import ClassifierError, Result
from .model import Classifier, Model, manifest

__all__ = ["Classifier", "ClassifierError", "Model", "Result", "manifest"]
