"""Cornu and its peers on the same work, side by side in one run: `python -m benchmarks [names...]`."""
