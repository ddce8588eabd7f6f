"""Convolution on the CPU: its own gradients are those of XLA's convolution, of any order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cornu.ops import cpu

CASES = [
    ((5, 9), (3,), (1,), ((1, 1),), (1,)),
    ((5, 9), (2,), (2,), ((0, 1),), (1,)),
    ((5, 8, 7), (3, 2), (1, 1), ((1, 1), (0, 0)), (1, 1)),
    ((5, 8, 7), (3, 3), (2, 1), ((0, 0), (2, 2)), (1, 2)),
    ((5, 8, 7), (1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1)),
    ((2, 5, 6, 4), (2, 3, 2), (1, 2, 1), ((0, 0),) * 3, (1, 1, 1)),
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("block", [1, 2**22])
def test_gradients_are_those_of_xla(case, block, monkeypatch):
    monkeypatch.setattr(cpu, "BLOCK_BYTES", block)  # a sample at a time, or all of them
    (batch, *space), window, *how = case
    draw = np.random.default_rng(0)
    x = draw.normal(size=(batch, *space, 3)).astype("float32")
    kernel = draw.normal(size=(*window, 3, 4)).astype("float32")

    def slopes(convolve):
        return jax.grad(lambda x, kernel: jnp.sum(jnp.sin(convolve(x, kernel, *how))), (0, 1))(x, kernel)

    for ours, theirs in zip(slopes(cpu.convolve), slopes(cpu.plain), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_gradients_of_gradients():
    _, window, *how = CASES[2]
    draw = np.random.default_rng(0)
    x, kernel = draw.normal(size=(2, 8, 7, 3)), draw.normal(size=(*window, 3, 4))

    def penalty(convolve):
        slope = lambda kernel: jax.grad(lambda x: jnp.sum(convolve(x, kernel, *how) ** 2))(x)  # noqa: E731
        return jax.grad(lambda kernel: jnp.sum(slope(kernel) ** 2))(jnp.asarray(kernel))

    np.testing.assert_allclose(penalty(cpu.convolve), penalty(cpu.plain), rtol=1e-3)
