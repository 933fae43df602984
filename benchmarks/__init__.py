"""How fast the project is, beside others: run from a checkout, not installed.

``python -m benchmarks.peers`` times whole networks in this project and in other runtimes; ``python -m
benchmarks.kernels`` times every kernel of a network alone. docs/benchmarks.md says how to read them.
"""
