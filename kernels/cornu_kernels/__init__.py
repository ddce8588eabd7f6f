"""Attention, convolution, pooling and recurrent layers for JAX on the CPU."""

from .attention import attend
from .convolution import conv, conv_transpose
from .library import load, types
from .pooling import average_pool, max_pool
from .recurrent import run

__all__ = ["attend", "average_pool", "conv", "conv_transpose", "load", "max_pool", "run", "types"]

load()
