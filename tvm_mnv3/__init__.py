"""tvm-mnv3: compiles MobileNetV3 into a small freestanding shared library for ARM phones."""

__version__ = "0.1.0"
