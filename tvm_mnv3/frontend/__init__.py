"""Networks in, `ImportedModel` out: PyTorch modules, exported programs (.pt2) and ONNX files. Start at `load`."""
