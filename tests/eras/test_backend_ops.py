"""The functions of `keras.backend`, by formulas in NumPy: on arrays, on variables and on placeholders alike."""

import itertools

import jax
import numpy as np
import pytest

import cornu
from cornu import backend as K

draw = np.random.default_rng(0)
A = draw.normal(size=(3, 4)).astype("float32")
B = draw.normal(size=(4, 5)).astype("float32")
C = draw.normal(size=(2, 3, 4)).astype("float32")
P = draw.dirichlet(np.ones(4), 3).astype("float32")
ONE_HOT = np.eye(4, dtype="float32")[[1, 0, 3]]
TOP = (1, 0, 3)
I = np.array([[2, 0], [1, 1]])  # noqa: E741
BITS = np.array([[1, 0, 1], [0, 0, 1]])
IMAGE = draw.normal(size=(2, 3, 4, 2)).astype("float32")


@pytest.fixture(autouse=True)
def era():
    cornu.set_era(1)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


ELEMENTS = {
    "abs": np.abs,
    "cos": np.cos,
    "exp": np.exp,
    "sign": np.sign,
    "sin": np.sin,
    "square": np.square,
    "tanh": np.tanh,
    "round": np.round,
    "transpose": np.transpose,
    "sqrt": lambda x: np.sqrt(np.maximum(x, 0)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "softmax": softmax,
    "elu": lambda x: np.where(x > 0, x, np.exp(x) - 1),
    "relu": lambda x: np.maximum(x, 0),
    "flatten": np.ravel,
    "batch_flatten": lambda x: x.reshape(len(x), -1),
    "ones_like": np.ones_like,
    "zeros_like": np.zeros_like,
    "argmax": lambda x: x.argmax(-1),
    "argmin": lambda x: x.argmin(-1),
    "expand_dims": lambda x: x[..., None],
}
REDUCED = {name: getattr(np, name) for name in "max min sum prod mean std var".split()}
COMPARED = {
    "equal": np.equal,
    "not_equal": np.not_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "lesser": np.less,
    "lesser_equal": np.less_equal,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
OTHERS = [  # name, tensors, other arguments, value
    ("log", [P], {}, np.log(P)),
    ("pow", [P], {"a": 1.5}, P**1.5),
    ("clip", [A], {"min_value": -0.5, "max_value": 0.5}, np.clip(A, -0.5, 0.5)),
    ("clip", [A], {"min_value": 0.5, "max_value": 0.0}, np.full_like(A, 0.5)),
    ("relu", [A], {"alpha": 0.1, "max_value": 0.5}, np.where(A > 0, np.minimum(A, 0.5), 0.1 * A)),
    ("any", [BITS], {"axis": 1}, BITS.any(1)),
    ("all", [BITS], {"axis": 0}, BITS.all(0)),
    ("mean", [BITS], {}, BITS.mean()),
    ("cast", [A], {"dtype": "int32"}, A.astype("int32")),
    ("dot", [A, B], {}, A @ B),
    ("dot", [C, B], {}, C @ B),
    ("dot", [C, C.transpose(0, 2, 1)], {}, np.dot(C, C.transpose(0, 2, 1))),
    ("batch_dot", [A, A[:, ::-1]], {"axes": 1}, (A * A[:, ::-1]).sum(1, keepdims=True)),
    ("batch_dot", [C, C.transpose(0, 2, 1)], {}, C @ C.transpose(0, 2, 1)),
    ("batch_dot", [A[:2], C], {"axes": (1, 2)}, np.einsum("bi,bji->bj", A[:2], C)),
    ("gather", [A, I], {}, A[I]),
    ("concatenate", [[A, A]], {"axis": 0}, np.concatenate([A, A])),
    ("concatenate", [[A, A]], {}, np.concatenate([A, A], -1)),
    ("stack", [[A, A]], {}, np.stack([A, A])),
    ("reshape", [A], {"shape": (2, -1)}, A.reshape(2, -1)),
    ("permute_dimensions", [C], {"pattern": (2, 0, 1)}, C.transpose(2, 0, 1)),
    ("repeat_elements", [A], {"rep": 2, "axis": 1}, A.repeat(2, 1)),
    ("repeat", [A], {"n": 3}, np.stack([A] * 3, 1)),
    ("tile", [A], {"n": (2, 1)}, np.tile(A, (2, 1))),
    ("expand_dims", [A], {"dim": 1}, A[:, None]),
    ("expand_dims", [A], {"dim": -2}, A[:, None]),
    ("squeeze", [A[:, None]], {"axis": 1}, A),
    ("reverse", [A], {"axes": 0}, A[::-1]),
    ("reverse", [C], {"axes": [1, 2]}, C[:, ::-1, ::-1]),
    ("one_hot", [I], {"nb_classes": 3}, np.eye(3)[I]),
    ("l2_normalize", [A], {"axis": 1}, A / np.linalg.norm(A, axis=1, keepdims=True)),
    ("in_top_k", [P, np.array([1, 0, 3])], {"k": 2}, [np.sum(p > p[t]) < 2 for p, t in zip(P, TOP, strict=True)]),
    ("categorical_crossentropy", [2 * P, ONE_HOT], {}, -np.log((P * ONE_HOT).sum(1))),
    ("categorical_crossentropy", [A, ONE_HOT], {"from_logits": True}, -np.log((softmax(A) * ONE_HOT).sum(1))),
    ("sparse_categorical_crossentropy", [P, np.array([[1], [0], [3]])], {}, -np.log((P * ONE_HOT).sum(1))),
    ("binary_crossentropy", [P, ONE_HOT], {}, -ONE_HOT * np.log(P) - (1 - ONE_HOT) * np.log(1 - P)),
    (
        "batch_normalization", [A, A.mean(0), A.var(0), np.arange(4.0), np.full(4, 2.0)], {},
        (A - A.mean(0)) / np.sqrt(A.var(0) + 1e-3) * 2 + np.arange(4.0),
    ),
    ("temporal_padding", [C], {}, np.pad(C, [(0, 0), (1, 1), (0, 0)])),
    ("asymmetric_temporal_padding", [C], {"left_pad": 2, "right_pad": 0}, np.pad(C, [(0, 0), (2, 0), (0, 0)])),
    ("spatial_2d_padding", [IMAGE], {"padding": (1, 2)}, np.pad(IMAGE, [(0, 0), (1, 1), (2, 2), (0, 0)])),
    (
        "asymmetric_spatial_2d_padding", [IMAGE], {"top_pad": 0, "dim_ordering": "th"},
        np.pad(IMAGE, [(0, 0), (0, 0), (0, 1), (1, 1)]),
    ),
    (
        "spatial_3d_padding", [IMAGE[..., None]], {"padding": (1, 0, 2)},
        np.pad(IMAGE[..., None], [(0, 0), (1, 1), (0, 0), (2, 2), (0, 0)]),
    ),
    (
        "resize_images", [IMAGE], {"height_factor": 2, "width_factor": 3, "dim_ordering": "tf"},
        IMAGE.repeat(2, 1).repeat(3, 2),
    ),
    (
        "resize_volumes", [IMAGE[:, None]],
        {"depth_factor": 2, "height_factor": 1, "width_factor": 2, "dim_ordering": "th"},
        IMAGE[:, None].repeat(2, 2).repeat(2, 4),
    ),
    ("ctc_label_dense_to_sparse", [I, np.array([1, 2])], {}, [[2, -1], [1, 1]]),
    ("stop_gradient", [A], {}, A),
    ("pattern_broadcast", [A, (False, True)], {}, A),
]  # fmt: skip
CASES = [
    *((name, [A], {}, fn(A)) for name, fn in ELEMENTS.items()),
    *(
        (name, [A], {"axis": 1, "keepdims": True}, fn(A, axis=1, keepdims=True))
        for name, fn in REDUCED.items()
    ),
    *((name, [C], {"axis": [0, 2]}, fn(C, axis=(0, 2))) for name, fn in REDUCED.items()),
    *((name, [A, np.where(A > 0, A, 0)], {}, fn(A, np.where(A > 0, A, 0))) for name, fn in COMPARED.items()),
    *OTHERS,
]


def each(tree, make):
    """Tensors in a list, or in lists in it, made otherwise."""
    return [each(x, make) if isinstance(x, list) else x if isinstance(x, tuple) else make(x) for x in tree]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_values(case):
    name, tensors, options, expected = case
    function = getattr(K, name)
    np.testing.assert_allclose(np.asarray(function(*tensors, **options)), expected, rtol=2e-5, atol=1e-6)

    live = function(*each(tensors, lambda x: K.variable(x, dtype=x.dtype)), **options)
    assert cornu.Symbol in type(live).__mro__ or name == "pattern_broadcast"
    np.testing.assert_allclose(K.eval(live), expected, rtol=2e-5, atol=1e-6)

    fed = []

    def symbol(x):
        batch = None if not fed or x.shape[:1] == fed[0][1].shape[:1] else x.shape[0]
        fed.append((K.placeholder((batch, *x.shape[1:]), dtype=x.dtype.name), x))
        return fed[-1][0]

    made = function(*each(tensors, symbol), **options)
    run = K.Function([x for x, _ in fed], made, compiled=False)
    np.testing.assert_allclose(run([x for _, x in fed]), expected, rtol=2e-5, atol=1e-6)
    shape = np.shape(expected)
    assert len(made.shape) == len(shape) and all(
        n in (None, m) for n, m in zip(made.shape, shape, strict=True)
    )


def test_normalising_a_batch_tells_its_statistics():
    normed, mean, var = K.normalize_batch_in_training(IMAGE, np.ones(2), np.zeros(2), [0, 1, 2])
    np.testing.assert_allclose(mean, IMAGE.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(var, IMAGE.var((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(
        normed, (IMAGE - IMAGE.mean((0, 1, 2))) / np.sqrt(IMAGE.var((0, 1, 2)) + 1e-3), rtol=1e-4, atol=1e-5
    )
    first = K.normalize_batch_in_training(IMAGE, np.full(3, 2.0), np.ones(3), [0, 2, 3], 0.0)[0]
    wanted = (IMAGE - IMAGE.mean((0, 2, 3), keepdims=True)) / IMAGE.std((0, 2, 3), keepdims=True) * 2 + 1
    np.testing.assert_allclose(first, wanted, rtol=1e-4, atol=1e-5)


def test_what_a_tensor_is():
    x, w, made = K.placeholder((None, 3), dtype="int32"), K.variable(A), cornu.layers.Input((4,))
    assert (K.ndim(x), K.int_shape(x), K.dtype(x)) == (2, (None, 3), "int32")
    assert (K.ndim(w), K.int_shape(w), K.dtype(w), K.count_params(w)) == (2, (3, 4), "float32", 12)
    assert [K.is_keras_tensor(each) for each in (x, w, made, K.square(made), A)] == [
        False,
        False,
        True,
        False,
        False,
    ]
    assert K.variable([1, 2]).dtype == "float32" and K.placeholder(ndim=3).shape == (None, None, None)
    assert x._keras_shape == (None, 3) and w._keras_shape == (3, 4) and x.get_shape().as_list() == [None, 3]
    assert K.is_explicit_shape((1, None)) and not K.is_explicit_shape(3)
    with pytest.raises(ValueError, match="`shape`.*`ndim`"):
        K.placeholder()
    cornu.set_era(2)
    assert [K.is_placeholder(each) for each in (x, made, K.square(x))] == [True, True, False]
    assert K.is_variable(w) and K.is_tensor(x) and not K.is_tensor(A)


def test_values_are_got_and_set():
    w, v = K.zeros((2, 3)), K.ones((3,))
    K.batch_set_value([(w, np.full((2, 3), 2.0)), (v, [1, 2, 3])])
    np.testing.assert_array_equal(K.batch_get_value([w, v])[1], [1, 2, 3])
    with pytest.raises(ValueError, match="cannot take"):
        K.batch_set_value([(w, np.zeros((2, 3))), (v, [1, 2])])
    np.testing.assert_array_equal(K.get_value(w), np.full((2, 3), 2.0))
    K.set_value(w, np.eye(2, 3))
    np.testing.assert_array_equal(w.get_value(), np.eye(2, 3))
    w.set_value(np.zeros((2, 3)))
    assert K.get_variable_shape(w) == (2, 3) and K.get_value(w).sum() == 0
    np.testing.assert_array_equal(K.eval(K.eye(2)), np.eye(2))
    np.testing.assert_array_equal(K.eval(K.arange(2, 8, 2)), [2, 4, 6])
    np.testing.assert_array_equal(K.eval(K.variable(A) * 2 + 1), A * 2 + 1)
    with pytest.raises(TypeError, match="K.set_value"):
        K.set_value(K.placeholder((2,)), 1)
    drawn = K.random_uniform_variable((50,), 2, 3, seed=1), K.random_normal_variable((50,), 5, 0.1, seed=1)
    assert K.get_value(drawn[0]).min() >= 2 and abs(K.get_value(drawn[1]).mean() - 5) < 0.1


def test_sparse_matrices_become_dense():
    sparse = pytest.importorskip("scipy.sparse")
    matrix = sparse.csr_matrix(np.where(A > 0, A, 0))
    dense = np.where(A > 0, A, 0)
    w = K.variable(matrix)
    assert K.is_sparse(w) and K.is_sparse(matrix) and not K.is_sparse(K.to_dense(w))
    np.testing.assert_allclose(K.dot(matrix, B), dense @ B, rtol=1e-5)
    np.testing.assert_allclose(K.eval(K.to_dense(w)), dense)
    x = K.placeholder((None, 4), sparse=True)
    assert K.is_sparse(x)
    np.testing.assert_allclose(K.function([x], [K.dot(x, B)])([matrix])[0], dense @ B, rtol=1e-5)


def test_printing(capsys):
    x = K.placeholder((2,))
    K.function([x], [K.print_tensor(x * 2, "twice")])([[1, 2]])
    jax.effects_barrier()
    assert "twice [2. 4.]" in capsys.readouterr().out


def test_sizes_that_are_not_known_yet():
    x = K.placeholder((None, 3))
    rows, columns = K.shape(x)[0], K.shape(x)[1]
    outputs = [
        K.reshape(x, (rows * columns,)),
        K.reshape(x, (-1, K.prod(K.shape(x)[1:]))),
        K.sum(x) / K.cast(rows, "float32"),
        K.ones_like(x)[:3],
        K.tile(K.expand_dims(x, 0), (rows, 1, 1)),
        K.reshape(x, K.concatenate([K.shape(x)[:1], [1, 3]])),
        K.arange(rows),
        K.shape(x) * 2,
    ]
    made = K.function([x], outputs)([A[:, :3]])
    assert [each.shape for each in made] == [(9,), (3, 3), (), (3, 3), (3, 3, 3), (3, 1, 3), (3,), (2,)]
    np.testing.assert_allclose(made[2], A[:, :3].sum() / 3, rtol=1e-5)
    np.testing.assert_array_equal(made[7], [6, 6])
    assert tuple(K.shape(K.variable(A))) == (3, 4)
    with pytest.raises(TypeError, match="not known before there is data"):
        int(rows)


# ---- random numbers ----------------------------------------------------------------------------


def test_draws_are_other_ones_each_time():
    x = K.placeholder((None, 2))
    noise = K.random_normal((K.shape(x)[0], 500), 3.0, 0.5)
    f = K.function([x], [noise, noise, K.random_uniform((100,), 5, 6), K.random_binomial((1000,), 0.25)])
    a, again, uniform, bits = f([np.ones((4, 2))])
    np.testing.assert_array_equal(a, again)
    assert a.shape == (4, 500) and abs(a.mean() - 3) < 0.1 and abs(a.std() - 0.5) < 0.05
    assert (
        uniform.min() >= 5
        and uniform.max() < 6
        and set(bits) == {0.0, 1.0}
        and abs(bits.mean() - 0.25) < 0.06
    )
    assert not np.array_equal(a, f([np.ones((4, 2))])[0])
    first, second = K.function([], [K.dropout(K.ones((1000,)), 0.3), K.dropout(K.ones((4, 5)), 0.5, (4, 1))])(
        []
    )
    assert abs((first == 0).mean() - 0.3) < 0.06 and set(np.unique(first)) <= {0.0, np.float32(1 / 0.7)}
    assert (second == second[:, :1]).all()
    with pytest.raises(ValueError, match="level"):
        K.dropout(x, 1.5)


def test_a_seed_gives_its_own_stream():
    def draws():
        cornu.utils.set_random_seed(0)
        f = K.function([], [K.random_normal((3,), seed=5), K.random_normal((3,), seed=6)])
        return f([]), f([])

    (a, b), (c, _) = draws()
    (a2, b2), (c2, _) = draws()
    np.testing.assert_array_equal([a, b, c], [a2, b2, c2])
    assert not np.allclose(a, b) and not np.allclose(a, c)


# ---- connectionist temporal classification -----------------------------------------------------


def chance(p, labels) -> float:
    """Of all ways to read `labels` from probabilities (time, classes), the last class meaning nothing."""
    total, blank = 0.0, p.shape[1] - 1
    for path in itertools.product(range(p.shape[1]), repeat=len(p)):
        read = [k for k, _ in itertools.groupby(path) if k != blank]
        total += np.prod(p[range(len(p)), path]) if read == list(labels) else 0.0
    return total


def test_ctc_cost_by_counting_all_ways():
    p = draw.dirichlet(np.ones(3), (2, 4)).astype("float32")
    labels, lengths, steps = np.array([[0, 0], [1, 0]]), np.array([[2], [1]]), np.array([[4], [3]])
    cornu.set_era(2)
    cost = jax.jit(lambda: K.ctc_batch_cost(labels, p, steps, lengths))()
    np.testing.assert_allclose(cost[:, 0], -np.log([chance(p[0], [0, 0]), chance(p[1, :3], [1])]), rtol=1e-4)

    cornu.set_era(1)  # Theano's: smoothed, and less by the logarithm of the number of steps
    smooth = [(1 - 1e-4) * q + 1e-4 / (2 * n + 1) for q, n in ((p[0], 2), (p[1, :3], 1))]
    expected = -np.log([chance(smooth[0], [0, 0]) * 4, chance(smooth[1], [1]) * 3])
    cost, single = jax.jit(
        lambda: (
            K.ctc_batch_cost(labels, p, steps, lengths),
            K.ctc_cost(p[0], K.ctc_interleave_blanks(np.array([0, 0]))),
        )
    )()
    np.testing.assert_allclose(cost[:, 0], expected, rtol=1e-4)
    np.testing.assert_allclose(single, expected[0], rtol=1e-4)


def test_theano_helpers():
    np.testing.assert_array_equal(K.ctc_interleave_blanks([2, 2, 0]), [-1, 2, -1, 2, -1, 0, -1])
    np.testing.assert_array_equal(K.ctc_create_skip_idxs(np.array([-1, 2, -1, 2, -1, 0, -1])), [3])
    p = draw.dirichlet(np.ones(3), 5).astype("float32")
    log_p, mask = jax.jit(lambda: K.ctc_path_probs(p, np.array([2, 0, 2, 1, 2]), 0.0))()
    sums = np.where(mask, np.exp(log_p), 0).sum(1)
    np.testing.assert_allclose(sums, chance(p, [0, 1]), rtol=1e-4)  # whatever the step


def test_ctc_decode():
    p = np.full((1, 6, 3), 0.05, "float32")
    p[0, range(6), [0, 0, 2, 0, 1, 2]] = 0.9
    beams = {"greedy": False, "beam_width": 5, "top_paths": 2}
    ((path,), score), (joined, _) = jax.jit(lambda: (K.ctc_decode(p, [6]), K.ctc_decode(p, [6], **beams)))()
    np.testing.assert_array_equal(path, [[0, 0, 1, -1, -1, -1]])
    np.testing.assert_allclose(score, [[-6 * np.log(0.9)]], rtol=1e-3)
    assert len(joined) == 2
    np.testing.assert_array_equal(
        joined[0], [[0, 1, -1, -1, -1, -1]]
    )  # neighbours joined, as TensorFlow did then
    cornu.set_era(2)
    plain, _ = jax.jit(lambda: K.ctc_decode(p, [6], **beams))()
    np.testing.assert_array_equal(plain[0], path)


# ---- what Keras 2 added ------------------------------------------------------------------------

ADDED = [
    ("less", [A, 0.0], {}, A < 0),
    ("less_equal", [A, A], {}, A <= A),
    ("cumsum", [A], {"axis": 1}, A.cumsum(1)),
    ("cumprod", [A], {}, A.cumprod(0)),
    ("logsumexp", [A], {"axis": 1}, np.log(np.exp(A).sum(1))),
    ("identity", [A], {}, A),
    ("size", [A], {}, 12),
    ("slice", [A, (1, 0), (2, -1)], {}, A[1:3]),
    ("stack", [[A, A]], {"axis": 1}, np.stack([A, A], 1)),
    ("softmax", [A], {"axis": 0}, softmax(A, 0)),
    ("relu", [A], {"threshold": 0.5}, np.where(A > 0.5, A, 0)),
    ("bias_add", [A, np.arange(4.0)], {}, A + np.arange(4)),
    ("bias_add", [IMAGE, np.arange(3.0), "channels_first"], {}, IMAGE + np.arange(3)[:, None, None]),
    ("l2_normalize", [A], {}, A / np.linalg.norm(A)),
    ("constant", [2.0], {"shape": (2, 2)}, np.full((2, 2), 2.0)),
    ("categorical_crossentropy", [ONE_HOT.T, P.T], {"axis": 0}, -np.log((P * ONE_HOT).sum(1))),
    ("normalize_data_format", [None], {}, "channels_last"),
    (
        "spatial_2d_padding",
        [IMAGE],
        {"padding": ((1, 0), (2, 1))},
        np.pad(IMAGE, [(0, 0), (1, 0), (2, 1), (0, 0)]),
    ),
]


@pytest.mark.parametrize(("name", "args", "options", "expected"), ADDED)
def test_added_in_keras_2(name, args, options, expected):
    cornu.set_era(2)
    value = getattr(K, name)(*args, **options)
    if isinstance(expected, str):
        assert value == expected
    else:
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)


def test_headings_and_decorators():
    cornu.set_era(2)
    with K.name_scope("block"), K.control_dependencies([]):
        assert K.symbolic(abs) is abs and K.eager(abs) is abs
    assert np.abs(K.eval(K.truncated_normal((500,)))).max() <= 2
