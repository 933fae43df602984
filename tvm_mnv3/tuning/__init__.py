"""Tuning: the workloads of a model out, their kernels' times in, and the log of what was found."""
