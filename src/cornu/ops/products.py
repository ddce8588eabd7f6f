"""Products with a matrix, in the shape that XLA computes best.

`(batch, time, n) @ (n, m)` is a product of two matrices. Written over three axes, its gradient by the matrix sums over
two of them, and XLA's CPU copies an operand for it, recomputing what made it at every element: the backward pass of a
block of a transformer takes 1.7 times as long.
"""

import math

import jax.numpy as jnp

from ..dtypes import as_array
from .wrap import op


@op
def matmul(x1, x2):
    """Matrix product over the last two axes."""
    x1, x2 = as_array(x1), as_array(x2)
    if x1.ndim > 2 and x2.ndim == 2 and x1.shape[-1] == x2.shape[0]:
        return _of_matrices(x1, x2, 1)
    return jnp.matmul(x1, x2)


@op
def einsum(subscripts: str, *operands, **kwargs):
    """Einstein's sum convention, 'ij,jk->ik'."""
    operands = [as_array(operand) for operand in operands]
    summed = _axes_of_product(subscripts.replace(" ", "")) if len(operands) == 2 and not kwargs else 0
    if summed and operands[0].shape[-summed:] == operands[1].shape[:summed]:
        return _of_matrices(*operands, summed)
    return jnp.einsum(subscripts, *operands, **kwargs)


def _axes_of_product(subscripts: str) -> int:
    """How many axes 'ab...cd,cd...ef->ab...ef' sums over, the last of one and the first of the other; 0 for others."""
    inputs, _, output = subscripts.partition("->")
    first, _, second = inputs.partition(",")
    letters = first + second
    summed = next((n for n in range(1, len(first)) if first[:-n] + second[n:] == output), 0)
    once = len(set(output)) == len(output) and not set(first[-summed:]) & set(output)
    return summed if letters.isalpha() and once and first[-summed:] == second[:summed] else 0


def _of_matrices(x, kernel, summed: int):
    """The sum over the last axes of `x` and the first of `kernel`, as a product of two matrices."""
    before, after = x.shape[: x.ndim - summed], kernel.shape[summed:]
    inner = math.prod(kernel.shape[:summed])
    product = x.reshape(math.prod(before), inner) @ kernel.reshape(inner, math.prod(after))
    return product.reshape(*before, *after)
