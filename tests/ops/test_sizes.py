"""Shapes of operations on symbols whose sizes are free, beside arrays whose sizes are not."""

import numpy as np
import pytest

import cornu
from cornu import backend as K
from cornu import ops
from cornu.layers import Input

MATRIX = np.arange(8, dtype="float32").reshape(4, 2)
FREE = (None, None)
CASES = [  # shape of a symbol, an operation of it and MATRIX, what data it may get, the shape that is known before
    (FREE, lambda x, m: ops.matmul(x, m), (3, 4), (None, 2)),
    (FREE, lambda x, m: x + m, (4, 2), (4, 2)),
    ((None, 2), lambda x, m: x * m, (4, 2), (4, 2)),
    ((None, None, 4), lambda x, m: ops.matmul(x, m), (3, 5, 4), (None, None, 2)),
    (FREE, lambda x, m: ops.concatenate([x, m], axis=0), (3, 2), (None, 2)),
    (FREE, lambda x, m: x * 2.0, (3, 4), FREE),
]


@pytest.mark.parametrize(("shape", "operation", "fed", "known"), CASES)
def test_sizes_that_what_stands_beside_them_says(shape, operation, fed, known):
    cornu.set_era(2)
    x = K.placeholder(shape)
    made = operation(x, MATRIX)
    assert made.shape == known
    value = np.arange(np.prod(fed), dtype="float32").reshape(fed)
    (result,) = K.function([x], [made])([value])
    np.testing.assert_allclose(result, np.asarray(operation(value, MATRIX)), rtol=1e-6)


def test_what_fits_nowhere_is_told_as_it_is():
    with pytest.raises(TypeError, match=r"3.*4"):
        ops.matmul(Input((3,)), MATRIX)
    with pytest.raises(TypeError, match="4, 2"):
        ops.add(Input((3,)), MATRIX)


def test_a_loss_of_era_1_may_be_written_with_numbers_of_axes_only():
    cornu.set_era(1)
    x, w = K.placeholder(ndim=2), K.variable(MATRIX)
    loss = K.sum(K.square(K.dot(x, w)))
    (slope,) = K.function([x], K.gradients(loss, [w]))([np.ones((1, 4))])
    np.testing.assert_allclose(slope, np.tile(2 * MATRIX.sum(0), (4, 1)))
