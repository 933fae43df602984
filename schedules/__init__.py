"""One template per operator: compute, schedule, knobs, default, packing and reference; `registry.py` lists them."""
