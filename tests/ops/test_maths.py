"""`keras.ops` of mathematics and linear algebra: Keras's numbers, shapes of symbols, laws, errors in words."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ops_oracle import assert_like_keras, assert_same_signatures, assert_symbols_like_arrays, keras, name_of

from cornu.ops import linalg, maths
from cornu.ops import numpy as ops

rng = np.random.default_rng(0)


def draw(*shape):
    return rng.normal(size=shape).astype("float32")


A, B, M = draw(4, 6), draw(4, 6), draw(2, 3, 3)
SQUARE, VECTOR, POSITIVE = M[0], draw(3), M @ M.transpose(0, 2, 1) + np.eye(3, dtype="float32")
IDS = np.array([0, 2, 0, 1])
SIGNAL = draw(2, 40)

MATHS = [
    *((name, (A,), {}) for name in "erf erfc logsumexp".split()),
    ("erfinv", (np.tanh(A),), {}),
    ("rsqrt", (A**2,), {}),
    ("logsumexp", (A,), {"axis": 1, "keepdims": True}),
    ("logdet", (POSITIVE,), {}),
    *((f"segment_{name}", (A, IDS), {"num_segments": 4}) for name in "sum max min prod".split()),
    ("segment_sum", (A, np.sort(IDS)), {"num_segments": 3, "sorted": True}),
    ("top_k", (A, 3), {}),
    ("in_top_k", (np.array([0, 3, 2, 1]), A, 2), {}),
    ("cdist", (A, B[:3]), {}),
    ("extract_sequences", (SIGNAL, 7, 3), {}),
    ("fft", ((A, B),), {}),
    ("fft2", ((A, B),), {}),
    ("ifft2", ((A, B),), {}),
    ("rfft", (A,), {}),
    ("rfft", (A,), {"fft_length": 8}),
    ("irfft", ((A, B),), {}),
    ("irfft", ((A, B),), {"fft_length": 8}),
    ("stft", (SIGNAL, 8, 4, 8), {}),
    ("stft", (SIGNAL, 6, 3, 9), {"window": "hamming", "center": False}),
    ("stft", (SIGNAL, 6, 3, 9), {"window": None}),
    ("stft", (SIGNAL, 6, 3, 9), {"window": np.arange(1.0, 7.0, dtype="float32")}),
    ("istft", ((draw(2, 9, 5), draw(2, 9, 5)), 8, 4, 8), {}),
    (
        "istft",
        ((draw(2, 9, 5), draw(2, 9, 5)), 6, 2, 8),
        {"window": "hamming", "length": 13, "center": False},
    ),
    ("view_as_complex", (draw(3, 2),), {}),
    ("view_as_real", ((A + 1j * B).astype("complex64"),), {}),
]
LINALG = [
    ("cholesky", (POSITIVE,), {}),
    ("cholesky", (POSITIVE,), {"upper": True}),
    ("cholesky_inverse", (np.linalg.cholesky(POSITIVE[0]),), {}),
    ("cholesky_inverse", (np.linalg.cholesky(POSITIVE[0]).T,), {"upper": True}),
    ("det", (M,), {}),
    ("eigh", (POSITIVE,), {}),
    ("inv", (M,), {}),
    ("lu_factor", (M,), {}),
    ("lstsq", (A, VECTOR[[0, 1, 2, 0]]), {}),
    ("lstsq", (A.T, B.T), {}),
    ("matrix_rank", (M,), {}),
    *(("norm", (A,), {"ord": ord, "axis": 1}) for ord in (None, 1, 2, 3, np.inf)),
    *(("norm", (M,), {"ord": ord, "axis": (1, 2), "keepdims": True}) for ord in ("fro", "nuc", 1)),
    ("norm", (np.arange(6).reshape(2, 3),), {}),
    ("pinv", (A,), {}),
    ("qr", (A,), {}),
    ("qr", (A,), {"mode": "complete"}),
    ("solve", (SQUARE, VECTOR), {}),
    ("solve", (M, M[::-1]), {}),
    ("solve_triangular", (M, M[::-1]), {}),
    ("solve_triangular", (SQUARE, VECTOR), {"lower": True}),
    ("svd", (A,), {}),
    ("svd", (A,), {"full_matrices": False}),
    ("svd", (A,), {"compute_uv": False}),
]


@pytest.mark.parametrize("case", MATHS, ids=name_of)
def test_mathematics_is_that_of_keras(case):
    assert_like_keras(maths, case, rtol=2e-4, atol=2e-5)
    assert_symbols_like_arrays(maths, case)


@pytest.mark.parametrize("case", LINALG, ids=name_of)
def test_linear_algebra_is_that_of_keras(case):
    assert_like_keras(linalg, case, rtol=2e-4, atol=2e-5)
    assert_symbols_like_arrays(linalg, case)


def test_all_names_of_keras_are_here_with_their_arguments():
    assert_same_signatures(linalg, keras.ops.linalg)
    assert_same_signatures(maths, type("", (), {name: getattr(keras.ops, name) for name in maths.__all__}))


@pytest.mark.parametrize("window", ["hann", "hamming", None, np.linspace(0.5, 1, 6, dtype="float32")])
@pytest.mark.parametrize("center", [True, False])
def test_istft_undoes_stft(window, center):
    parts = maths.stft(SIGNAL, 6, 3, 6, window=window, center=center)
    back = maths.istft(parts, 6, 3, 6, window=window, center=center, length=36)
    np.testing.assert_allclose(back[:, 3:], SIGNAL[:, 3:36], rtol=1e-4, atol=1e-5)


def test_eig_diagonalises():
    values, vectors = linalg.eig(M)
    np.testing.assert_allclose(M @ vectors, vectors * values[:, None], atol=1e-5)


def test_segments_count_themselves_where_ids_are_data():
    np.testing.assert_array_equal(maths.segment_sum(A, IDS), maths.segment_sum(A, IDS, 3))
    with pytest.raises(ValueError, match="num_segments"):
        jax.jit(maths.segment_sum)(A, IDS)


def test_jvp_is_the_derivative():
    value, slope, more = linalg.jvp(lambda x: (ops.sin(x), x + 1), (0.5,), (2.0,), has_aux=True)
    np.testing.assert_allclose((value, slope, more), (np.sin(0.5), 2 * np.cos(0.5), 1.5), rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: linalg.cholesky(-jnp.eye(2)), "positive definite"),
        (lambda: linalg.qr(A, "thin"), "'reduced'"),
        (lambda: linalg.lu_factor(VECTOR), r"\(\.\.\., m, n\)"),
        (lambda: maths.fft(A), "real, imaginary"),
        (lambda: maths.view_as_complex(A), r"last axis.*\(4, 6\)"),
        (lambda: maths.cdist(A, VECTOR), "cdist"),
        (lambda: maths.stft(SIGNAL, 6, 3, 6, window="boxcar"), "hann.*boxcar"),
        (lambda: maths.stft(SIGNAL, 6, 3, 4), "at least sequence_length"),
    ],
)
def test_errors_say_what_was_wrong(call, words):
    with pytest.raises(ValueError, match=words):
        call()
