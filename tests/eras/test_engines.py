"""`theano_backend` and `tensorflow_backend` side by side, and what `keras.backend` of Keras 1 had otherwise."""

import itertools

import numpy as np
import pytest

import cornu
from cornu import backend as K
from cornu.eras import tensorflow_backend as KTF
from cornu.eras import theano_backend as KTH
from cornu.utils.np_utils import convert_kernel


@pytest.fixture(autouse=True)
def era_1():
    cornu.set_era(1)
    yield
    K.set_floatx("float32")


@pytest.mark.parametrize(
    ("name", "x", "kernel", "order"),
    [
        ("conv2d", (2, 3, 5, 6), (4, 3, 3, 2), "th"),
        ("conv2d", (1, 6, 5, 3), (3, 3, 3, 2), "tf"),
        ("conv3d", (2, 3, 5, 4, 6), (4, 3, 3, 2, 4), "th"),
        ("conv3d", (1, 3, 4, 3, 2), (2, 2, 2, 2, 3), "tf"),
    ],
)
def test_convolution_of_theano_turns_the_kernel(name, x, kernel, order):
    rng = np.random.default_rng(0)
    x, kernel = rng.random(x), rng.random(kernel) - 0.5
    turned = convert_kernel(kernel, order)

    def run(engine, kernel):
        return engine.eval(
            getattr(engine, name)(engine.variable(x), engine.variable(kernel), dim_ordering=order)
        )

    np.testing.assert_allclose(run(KTH, turned), run(KTF, kernel), atol=1e-5)
    assert np.abs(run(KTH, kernel) - run(KTF, kernel)).max() > 0.1


def test_one_graph_has_convolutions_of_both():
    image = K.placeholder((1, 4, 4, 1))
    kernel = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(2, 2, 1, 1)
    makes = K.function([image], [B.conv2d(image, B.variable(kernel)) for B in (KTH, KTF)])
    x = np.zeros((1, 4, 4, 1))
    x[0, 1, 1] = 1  # where the kernel, and its mirror image, show
    theano, tensorflow = (out[0, :2, :2, 0].tolist() for out in makes([x]))
    assert theano == [[1, 2], [3, 4]] and tensorflow == [[4, 3], [2, 1]]


def test_same_functions_are_the_same_object():
    assert KTH.relu is KTH.relu and KTH.conv2d is not KTF.conv2d
    assert KTH._BACKEND == K._BACKEND and set(KTF.__all__) == set(KTH.__all__) >= {
        "conv2d",
        "rnn",
        "function",
    }
    with pytest.raises(AttributeError, match="nothing_such"):
        KTF.nothing_such  # noqa: B018


# ---- connectionist temporal classification, by going over all paths --------------------------------


def collapsed(path, blank):
    return tuple(k for k, _ in itertools.groupby(path) if k != blank)


def by_label(p):
    """Label -> probability, of steps x classes where the last class is no label."""
    found = {}
    for path in itertools.product(range(p.shape[1]), repeat=len(p)):
        label = collapsed(path, p.shape[1] - 1)
        found[label] = found.get(label, 0) + np.prod(p[range(len(p)), path])
    return found


P = np.random.default_rng(3).dirichlet(np.ones(4), (2, 4)).astype("float32")
LABELS, LENGTHS = np.array([[0, 1, 0], [2, 2, -1]]), np.array([[3], [2]])


def test_ctc_cost_of_both():
    arguments = (LABELS, P, np.full((2, 1), 4), LENGTHS)
    wanted = [-np.log(by_label(p)[tuple(row[: n[0]])]) for p, row, n in zip(P, LABELS, LENGTHS, strict=True)]
    np.testing.assert_allclose(
        KTF.eval(KTF.ctc_batch_cost(*arguments)), np.reshape(wanted, (2, 1)), rtol=1e-5
    )
    smooth = [
        (1 - 1e-4) * p.astype("float64") + 1e-4 / (2 * n[0] + 1) for p, n in zip(P, LENGTHS, strict=True)
    ]
    wanted = [
        -np.log(4 * by_label(p)[tuple(row[: n[0]])])
        for p, row, n in zip(smooth, LABELS, LENGTHS, strict=True)
    ]
    np.testing.assert_allclose(KTH.eval(KTH.ctc_batch_cost(*arguments)), [wanted], rtol=1e-4)


def test_ctc_beams_are_scored_over_the_best_classes():
    paths, scores = KTF.ctc_decode(P, np.array([4, 4]), greedy=False, beam_width=30, top_paths=2)
    for row, p in enumerate(P):
        best = sorted(by_label(p).items(), key=lambda item: -item[1])[:2]
        for place, (label, probability) in enumerate(best):
            joined = [k for k, _ in itertools.groupby(label)]  # as Keras 1 had them
            assert [k for k in np.asarray(paths[place])[row] if k >= 0] == joined
            assert np.isclose(scores[row, place], np.log(probability / p.max(1).prod()), atol=1e-4)


def test_ctc_paths_are_as_wide_as_the_longest():
    sure = np.eye(4, dtype="float32")[[[3, 0, 3, 1, 1, 3], [2, 2, 2, 3, 3, 3]]]
    wanted = [[0, 1], [2, -1]]
    steps = np.array([6, 6])
    assert K.ctc_decode(sure, steps)[0][0].tolist() == wanted
    x = K.placeholder((None, 6, 4))
    decode = K.function([x], [K.ctc_decode(x, steps)[0][0], K.sum(x)])
    assert decode([sure])[0].tolist() == wanted
    assert decode([np.eye(4)[np.full((2, 6), 3)]])[0].shape == (2, 0)


# ---- what else was otherwise ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "axes", "wanted"),
    [
        ((3, 2), (3, 2), 1, lambda x, y: (x * y).sum(1)),
        ((3, 2), (3, 2), 0, lambda x, y: (x * y).sum(0)),
        ((3, 2), (2, 3), (0, 1), lambda x, y: (x.T * y).sum(1)),
        ((3, 2), (2, 3), [1, 0], lambda x, y: (x.T * y).sum(0)),
    ],
)
def test_batch_dot_of_matrices_on_tensorflow(x, y, axes, wanted):
    rng = np.random.default_rng(0)
    x, y = rng.random(x), rng.random(y)
    made = KTF.eval(KTF.batch_dot(KTF.variable(x), KTF.variable(y), axes=axes))
    np.testing.assert_allclose(made[:, 0], wanted(x, y), rtol=1e-5)
    if axes != 1:
        with pytest.raises(ValueError, match="batch"):
            KTH.batch_dot(KTH.variable(x), KTH.variable(y), axes=axes)


def test_sparse_matrices_joined_are_sparse():
    sparse = pytest.importorskip("scipy.sparse")
    x = sparse.csr_matrix(np.diag([1.0, 2.0]))
    joined = K.concatenate([K.variable(x), K.variable(x)])
    assert K.is_sparse(joined) and K.eval(joined).tolist() == [[1, 0, 1, 0], [0, 2, 0, 2]]
    assert not K.is_sparse(K.concatenate([K.variable(x), K.variable(np.ones((2, 1)))]))


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "float64"])
def test_arange_has_the_type_that_was_asked(dtype):
    made = K.arange(1, 6, 2, dtype=dtype)
    assert K.dtype(made) == dtype and K.eval(made).tolist() == [1, 3, 5]


def test_float64_is_computed_in_64_bits():
    third = lambda: K.function([], [K.variable(1.0) / 3])([])[0]  # noqa: E731
    assert third().dtype == "float32"
    K.set_floatx("float64")
    assert third() == 1 / 3
    rng = np.random.default_rng(0)
    x, y = rng.random((8, 3)), rng.random((8, 2))
    model = cornu.Sequential([cornu.layers.Dense(2, input_dim=3)])
    model.compile(optimizer="sgd", loss="mse")
    w, b = model.get_weights()
    loss = model.train_on_batch(x, y)
    error = x @ w + b - y
    assert np.isclose(loss, (error**2).mean(), rtol=1e-14)
    np.testing.assert_allclose(model.get_weights()[0], w - 0.01 * x.T @ error * 2 / error.size, rtol=1e-13)
    K.set_floatx("float32")
    assert third().dtype == "float32"
