"""Convolution and pooling for JAX on the CPU, by oneDNN."""

from .convolution import conv, conv_transpose
from .library import load, types
from .pooling import average_pool, max_pool

__all__ = ["average_pool", "conv", "conv_transpose", "load", "max_pool", "types"]

load()
