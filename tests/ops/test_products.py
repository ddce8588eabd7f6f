"""Products with a matrix against NumPy's, forwards and backwards."""

import jax
import numpy as np
import pytest

from cornu import ops

SHAPES = {
    "ab,bc->ac": ((4, 3), (3, 5)),
    "abc,cd->abd": ((2, 4, 3), (3, 5)),
    "abc,cde->abde": ((2, 4, 3), (3, 2, 5)),
    "abcd,cde->abe": ((2, 4, 3, 6), (3, 6, 5)),
    "abcd, cd -> ab": ((2, 4, 3, 6), (3, 6)),
    "ab,cb->ac": ((4, 3), (5, 3)),  # not of that form: one operand the other way round,
    "ab,bc->ca": ((4, 3), (3, 5)),  # or the outcome,
    "abc,abd->acd": ((2, 4, 3), (2, 4, 5)),  # or with an axis of both,
    "ab,bb->ab": ((4, 3), (3, 3)),  # or a diagonal
    "...b,bc->...c": ((2, 4, 3), (3, 5)),
    "a,ab": ((3,), (3, 4)),
}


def draws(*shapes):
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


@pytest.mark.parametrize("equation", SHAPES)
def test_einsum(equation):
    x, kernel = draws(*SHAPES[equation])
    wanted = np.einsum(equation, x, kernel)
    np.testing.assert_allclose(ops.einsum(equation, x, kernel), wanted, 1e-5, 1e-5)
    slopes = jax.grad(lambda x, kernel: (ops.einsum(equation, x, kernel) ** 2).sum(), (0, 1))(x, kernel)
    plain = jax.grad(lambda x, kernel: (jax.numpy.einsum(equation, x, kernel) ** 2).sum(), (0, 1))(x, kernel)
    for got, expected in zip(slopes, plain, strict=True):
        np.testing.assert_allclose(got, expected, 1e-4, 1e-4)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((3,), (3, 4)),
        ((2, 3), (3,)),
        ((2, 5, 3), (3, 4)),
        ((2, 5, 3), (2, 3, 4)),
        ((0, 5, 3), (3, 4)),
        ((2, 6, 5, 3), (3, 4)),
    ],
)
def test_matmul(first, second):
    x, y = draws(first, second)
    np.testing.assert_allclose(ops.matmul(x, y), x @ y, 1e-5, 1e-5)


@pytest.mark.parametrize("call", [lambda: ops.matmul(np.ones((2, 3, 4)), np.ones((3, 4))),
                                  lambda: ops.einsum("abc,cd->abd", np.ones((2, 3, 4)), np.ones((3, 4)))])  # fmt: skip
def test_sizes_that_do_not_meet(call):
    with pytest.raises((TypeError, ValueError)):
        call()


def test_whole_numbers_stay_whole():
    x, y = np.ones((2, 3, 4), "int32"), np.ones((4, 5), "int32")
    assert ops.matmul(x, y).dtype == "int32" and (np.asarray(ops.matmul(x, y)) == 4).all()
